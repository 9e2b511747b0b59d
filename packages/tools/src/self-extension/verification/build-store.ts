import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { utimesSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BuildStage } from "../guard-config.ts";
import type { OutputDirectory } from "./stage-world.ts";
import { inTurns } from "./in-turns.ts";
import { pathExists } from "./path-exists.ts";

/** Builds of attested trees that are kept to begin the next build from. */
const KEPT = 4;

const run = promisify(execFile);

/** What is being written has this before its name. */
const SCRATCH = ".new-";
const LEFT_MS = 86_400_000;

const LONG_AGO = new Date("2000-01-01T00:00:00Z");

/**
 * Output of attested trees, so that an incremental compiler begins where the base ended instead of
 * at nothing. Only what was built from a tree that passed is ever kept, and what is handed out is a
 * copy: no candidate writes into the store.
 */
export interface BuildStore {
  /** Lays the stored build of a tree into empty output directories; false where there is none. */
  layOut(tree: string, stage: BuildStage, outputs: readonly OutputDirectory[]): Promise<boolean>;
  keep(tree: string, stage: BuildStage, outputs: readonly OutputDirectory[]): Promise<void>;
  /** Keeps by moving: the output directories may be gone afterwards. */
  take(tree: string, stage: BuildStage, outputs: readonly OutputDirectory[]): Promise<void>;
}

export function buildStore(directory: string): BuildStore {
  const pathOf = (tree: string, stage: BuildStage): string => {
    const exam = createHash("sha256")
      .update(JSON.stringify([stage, process.version]))
      .digest("hex");
    return join(directory, `${tree}-${exam.slice(0, 16)}`);
  };
  return {
    async layOut(tree, stage, outputs) {
      const stored = pathOf(tree, stage);
      if (!(await pathExists(stored))) return false;
      await Promise.all(
        outermost(outputs).map(async (output) => {
          const source = join(stored, output.path);
          if (await pathExists(source)) await copyInto(source, output.hostPath);
        }),
      );
      return true;
    },
    async keep(tree, stage, outputs) {
      await keepBy(copyInto, pathOf(tree, stage), outputs);
    },
    async take(tree, stage, outputs) {
      await keepBy(moveInto, pathOf(tree, stage), outputs);
    },
  };

  async function keepBy(
    transfer: (source: string, target: string) => Promise<void>,
    target: string,
    outputs: readonly OutputDirectory[],
  ): Promise<void> {
    if (await pathExists(target)) return;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const scratch = join(directory, `${SCRATCH}${randomUUID()}`);
    for (const output of outermost(outputs)) {
      await mkdir(join(scratch, output.path), { recursive: true });
      await transfer(output.hostPath, join(scratch, output.path));
    }
    await makeOlderThanAnySource(scratch);
    // Two verifications may keep the same tree; one of them wins and both are the same.
    await rename(scratch, target).catch(async () => {
      await rm(scratch, { recursive: true, force: true });
    });
    await prune(directory);
  }
}

/** A directory comes and goes with those inside it. */
function outermost(outputs: readonly OutputDirectory[]): OutputDirectory[] {
  return outputs.filter(({ path }) => !outputs.some((other) => path.startsWith(`${other.path}/`)));
}

/** A directory over an empty one; a copy where that lies on another file system. */
async function moveInto(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    await copyInto(source, target);
  }
}

/** Copies what is in a directory, times included; cp does in milliseconds what file by file takes a second. */
async function copyInto(source: string, target: string): Promise<void> {
  await run("cp", ["-R", "--preserve=mode,timestamps", "--", `${source}/.`, target]);
}

/**
 * Compilers take output that is newer than every source for current and look no further; a workspace
 * written before this copy was made would then not be compiled at all. Older output makes them
 * compare contents.
 */
async function makeOlderThanAnySource(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  await inTurns(
    entries.filter((entry) => entry.isFile()),
    (entry) => utimesSync(join(entry.parentPath, entry.name), LONG_AGO, LONG_AGO),
  );
}

async function prune(directory: string): Promise<void> {
  const found = await Promise.all(
    (await readdir(directory)).map((name) => agedIn(directory, name)),
  );
  const aged = found.filter((each) => each !== null).sort((a, b) => b.at - a.at);
  const [half, whole] = [aged.filter(isScratch), aged.filter((each) => !isScratch(each))];
  // Somebody writes there just now, unless they died of it.
  const left = half.filter(({ at }) => Date.now() - at > LEFT_MS);
  for (const { name } of [...whole.slice(KEPT), ...left]) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

interface Aged {
  readonly name: string;
  readonly at: number;
}

/** Null where another verification has removed it by now. */
async function agedIn(directory: string, name: string): Promise<Aged | null> {
  return await stat(join(directory, name)).then(
    ({ mtimeMs: at }) => ({ name, at }),
    () => null,
  );
}

function isScratch({ name }: Aged): boolean {
  return name.startsWith(SCRATCH);
}
