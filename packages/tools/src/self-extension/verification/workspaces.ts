import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { SandboxMount } from "@jarvis/sandbox";
import { listTree, type Mirror } from "../git/mirror.ts";
import { CACHE_DIRECTORIES, type Dependencies } from "./dependencies.ts";
import { keptFiles } from "./kept-files.ts";
import { parentsOf, type OutputDirectory, type StageWorld } from "./stage-world.ts";
import { writeWorkspace } from "./workspace.ts";

export interface WorkspaceFacts {
  readonly mirror: Mirror;
  /** An attested tree: only files of it are kept for later verifications. */
  readonly baseTree: string;
  readonly dependencies: Dependencies;
  /** A directory of this verification's own, removed by whoever made it. */
  readonly scratch: string;
  /** Where files of bases are kept, on the file system of `scratch`. */
  readonly keptDirectory: string;
}

/** The workspaces of one verification. Each is mounted read-only and holds exactly its tree. */
export class Workspaces {
  readonly #facts: WorkspaceFacts;
  readonly #shared = new Map<string, Promise<string>>();
  #copies = 0;

  constructor(facts: WorkspaceFacts) {
    this.#facts = facts;
  }

  async pathsOf(tree: string): Promise<string[]> {
    return (await listTree(this.#facts.mirror, tree)).map((entry) => entry.path);
  }

  /** A tree with what was built of it. Nothing that runs can write to it, so one copy serves every stage. */
  async shared(tree: string, outputs: readonly OutputDirectory[]): Promise<StageWorld> {
    // The promise is remembered: stages that run side by side ask at the same time.
    const written = this.#shared.get(tree) ?? this.#write(tree);
    this.#shared.set(tree, written);
    return await this.#mount(tree, await written, outputs);
  }

  /** A copy of its own, with one file laid beside the tree's after its id was checked. */
  async withFile(
    tree: string,
    outputs: readonly OutputDirectory[],
    file: { readonly path: string; readonly content: string },
  ): Promise<StageWorld> {
    const directory = await this.#write(tree);
    const target = join(directory, file.path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, file.content, { flag: "wx" });
    return await this.#mount(tree, directory, outputs);
  }

  async #write(tree: string): Promise<string> {
    const { mirror, baseTree, scratch, keptDirectory } = this.#facts;
    const directory = join(scratch, `ws-${(this.#copies += 1)}`);
    const [entries, base] = await Promise.all([listTree(mirror, tree), listTree(mirror, baseTree)]);
    const kept = keptFiles(keptDirectory, base);
    await writeWorkspace(mirror, tree, directory, { entries, kept });
    return directory;
  }

  /** Makes the mount points and says what is mounted where. */
  async #mount(
    tree: string,
    directory: string,
    outputs: readonly OutputDirectory[],
  ): Promise<StageWorld> {
    const { baseTree } = this.#facts;
    const dependencies = this.#facts.dependencies[tree === baseTree ? "base" : "candidate"];
    const paths = await this.pathsOf(tree);
    const directories = new Set(paths.flatMap(parentsOf));
    const mounts: SandboxMount[] = [];
    for (const path of dependencies?.nodeModules ?? []) {
      const parent = posix.dirname(path);
      if (dependencies === null || (parent !== "." && !directories.has(parent))) continue;
      mkdirSync(join(directory, path), { recursive: true });
      const source = join(dependencies.directory, path);
      mounts.push({ kind: "ro", source, target: `/ws/${path}` });
      for (const cache of CACHE_DIRECTORIES) {
        mounts.push({ kind: "tmpfs", target: `/ws/${path}/${cache}`, sizeBytes: 64 * 2 ** 20 });
      }
    }
    for (const output of outputs) {
      mkdirSync(join(directory, output.path), { recursive: true });
      mounts.push({ kind: "ro", source: output.hostPath, target: `/ws/${output.path}` });
    }
    return { directory, mounts, paths };
  }
}
