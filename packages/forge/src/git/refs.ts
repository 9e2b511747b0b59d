import { ForgeError } from "../forge-error.ts";
import type { Git } from "./git.ts";
import { ZERO_SHA, type Sha } from "./names.ts";
import { RefFiles } from "./ref-files.ts";

/** `old: undefined` means that the ref must not exist, `new: undefined` that it is deleted. */
export interface RefUpdate {
  ref: string;
  old: Sha | undefined;
  new: Sha | undefined;
}

/** The refs of one moment, as `git for-each-ref` gives them. */
export type RefMap = ReadonlyMap<string, Sha>;

export class RefStore {
  readonly #git: Git;
  readonly #files: RefFiles;

  constructor(git: Git) {
    this.#git = git;
    this.#files = new RefFiles(git.gitDirectory);
  }

  /** All refs that are one of the names or lie below one of them; without names, all. */
  async list(...names: string[]): Promise<RefMap> {
    return this.#files.list(names.length === 0 ? ["refs"] : names) ?? (await this.#ask(names));
  }

  async get(ref: string): Promise<Sha | undefined> {
    const found = this.#files.get(ref);
    return found === null ? (await this.#ask([ref])).get(ref) : found;
  }

  /** Those that are there. */
  async getMany(refs: readonly string[]): Promise<RefMap> {
    const found = new Map<string, Sha>();
    for (const ref of new Set(refs)) {
      const sha = await this.get(ref);
      if (sha !== undefined) found.set(ref, sha);
    }
    return found;
  }

  /**
   * Moves all refs or none, each only if it still is where the caller saw it. Throws `ref-conflict`
   * otherwise, also when a name cannot exist beside another (`a` and `a/b`).
   *
   * `start` and `prepare` are spelled out: a git whose writer died before `commit` changes nothing.
   */
  async update(updates: readonly RefUpdate[]): Promise<void> {
    const commands = updates.map((update) => {
      const old = update.old ?? ZERO_SHA;
      return update.new === undefined
        ? `delete ${update.ref}\0${old}\0`
        : `update ${update.ref}\0${update.new}\0${old}\0`;
    });
    const { code, stderr } = await this.#git.ask(
      ["update-ref", "--no-deref", "-z", "--stdin"],
      `start\0${commands.join("")}prepare\0commit\0`,
      (answer) => answer.endsWith("commit: ok\n"),
    );
    if (code === undefined) return;
    if (code === 1 || code === 128) {
      throw new ForgeError("ref-conflict", `git refused to move refs: ${stderr.trim()}`);
    }
    throw new ForgeError(
      "git-failed",
      `git update-ref ended with ${code ?? "a signal"}: ${stderr}`,
    );
  }

  async #ask(names: readonly string[]): Promise<RefMap> {
    const format = "--format=%(objectname) %(refname)";
    const output = await this.#git.text(["for-each-ref", format, ...names]);
    const lines = output.split("\n").filter((line) => line !== "");
    return new Map(lines.map((line) => [line.slice(41), line.slice(0, 40)]));
  }
}
