import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { uncommittedPaths } from "./uncommitted.ts";

const run = promisify(execFile);

/** The repository that Jarvis guards, as it was found. It is read, never written. */
export interface GuardedRepository {
  readonly directory: string;
  readonly gitDirectory: string;
  /** The commit that the forge is seeded from: HEAD. */
  readonly head: string;
  readonly branch: string | null;
  readonly isShallow: boolean;
  /** Changed or untracked paths: named to the person, and not part of the base. */
  readonly uncommitted: readonly string[];
}

/** The directory is no repository that can be guarded; the message says what helps. */
export class RepositoryError extends Error {
  override readonly name = "RepositoryError";
}

/**
 * Looks at the repository in whatever condition a clone comes: dirty, detached, shallow, owned by
 * another user, without an identity. Its own hooks, filters and fsmonitor are never run. What lies
 * in the state directory is Jarvis's own and not called uncommitted.
 */
export async function inspectRepository(
  directory: string,
  stateDirectory: string,
): Promise<GuardedRepository> {
  const path = await realpath(directory).catch(() => {
    throw new RepositoryError(`There is no directory ${resolve(directory)}; check --repo.`);
  });
  const git = async (...args: string[]): Promise<string> =>
    (await run("git", ["-C", path, ...args], { env: environment(), maxBuffer: 2 ** 26 })).stdout;
  let gitDirectory: string;
  try {
    gitDirectory = (await git("rev-parse", "--absolute-git-dir")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new RepositoryError("git is not installed; run `apt-get install git`.");
    }
    throw new RepositoryError(
      `${path} is not a git repository; run \`git init && git add -A && git commit -m "First commit"\` there, or name one with --repo DIR.`,
    );
  }
  let head: string;
  try {
    head = (await git("rev-parse", "--verify", "HEAD^{commit}")).trim();
  } catch {
    throw new RepositoryError(
      `${path} has no commit yet; run \`git add -A && git commit -m "First commit"\` there.`,
    );
  }
  const branch = (await git("rev-parse", "--abbrev-ref", "HEAD")).trim();
  // Worktrees keep objects in the common directory.
  const common = resolve(path, (await git("rev-parse", "--git-common-dir")).trim());
  // Empty in a bare repository, where git refuses to name a top level.
  const workTree = (await git("rev-parse", "--show-toplevel").catch(() => "")).replace(/\n$/, "");
  return {
    directory: workTree === "" ? path : workTree,
    gitDirectory: common,
    head,
    branch: branch === "HEAD" ? null : branch,
    isShallow: (await git("rev-parse", "--is-shallow-repository")).trim() === "true",
    uncommitted:
      workTree === ""
        ? []
        : await uncommittedPaths(
            { workTree, gitDirectory, commonDirectory: common, head },
            environment(),
            stateDirectory,
          ),
  };
}

function environment(): Record<string, string> {
  const config = [
    ["safe.directory", "*"],
    ["core.fsmonitor", "false"],
    ["core.hooksPath", "/dev/null"],
  ] as const;
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}
