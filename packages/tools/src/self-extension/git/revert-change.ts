import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { diffTrees, listTree, type Mirror, type TreeChange } from "./mirror.ts";
import { gitEnvironment, gitText, runGit } from "./run-git.ts";

export type PlannedRevert =
  | { readonly kind: "revert"; readonly tree: string; readonly patch: Buffer }
  /** Nothing of the change is left in the tree. */
  | { readonly kind: "nothing-left" }
  /**
   * Later changes touched the same paths: which of both is right is a person's to say. `tree` takes
   * back all but these.
   */
  | { readonly kind: "conflict"; readonly paths: readonly string[]; readonly tree: string };

/**
 * Takes one change back by restoring every file it touched to what it was before, while later
 * changes of other files stay. A file counts only where it still is, by blob and mode, what the
 * change made of it: nothing is merged and nothing is guessed. All arguments are tree ids.
 */
export async function planRevert(
  mirror: Mirror,
  trees: { readonly before: string; readonly after: string; readonly current: string },
): Promise<PlannedRevert> {
  const changes = await diffTrees(mirror, trees.before, trees.after);
  const current = new Map((await listTree(mirror, trees.current)).map((each) => [each.path, each]));
  const stillThere: TreeChange[] = [];
  const conflicts: string[] = [];
  for (const change of changes) {
    const entry = current.get(change.path);
    const is = (sha: string | null, mode: string | null): boolean =>
      entry === undefined ? sha === null : entry.sha === sha && entry.mode === mode;
    // Somebody took this part back already.
    if (is(change.oldSha, change.oldMode)) continue;
    const isBlocked = change.oldSha !== null && isInTheWay(change.path, [...current.keys()]);
    if (is(change.newSha, change.newMode) && !isBlocked) stillThere.push(change);
    else conflicts.push(change.path);
  }
  if (conflicts.length === 0 && stillThere.length === 0) return { kind: "nothing-left" };
  const tree = await restore(mirror, trees.current, stillThere);
  if (conflicts.length > 0) return { kind: "conflict", paths: conflicts, tree };
  const { stdout } = await runGit(
    ["diff-tree", "-p", "--binary", "--full-index", "--no-renames", trees.current, tree],
    { gitDir: mirror.gitDir },
  );
  return { kind: "revert", tree, patch: stdout };
}

/** Whether a file of that path cannot be, because a directory or a file stands where it would. */
function isInTheWay(path: string, present: readonly string[]): boolean {
  const parents = new Set<string>();
  for (let at = posix.dirname(path); at !== "."; at = posix.dirname(at)) parents.add(at);
  return present.some((other) => other.startsWith(`${path}/`) || parents.has(other));
}

async function restore(
  mirror: Mirror,
  tree: string,
  changes: readonly TreeChange[],
): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), "jarvis-index-"));
  try {
    const options = {
      gitDir: mirror.gitDir,
      env: { ...gitEnvironment(), GIT_INDEX_FILE: join(scratch, "index") },
    };
    await runGit(["read-tree", tree], options);
    const gone = "0".repeat(tree.length);
    const input = changes
      .map(({ path, oldSha, oldMode }) => `${oldMode ?? "0"} ${oldSha ?? gone}\t${path}\0`)
      .join("");
    await runGit(["update-index", "-z", "--index-info"], { ...options, input });
    return await gitText(["write-tree"], options);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * The paths of a change that only go back to what they were in `before`, by blob and mode: proved
 * from git's objects, whatever the change says of itself.
 */
export async function restoredPaths(
  mirror: Mirror,
  changes: readonly TreeChange[],
  before: string,
): Promise<ReadonlySet<string>> {
  const entries = new Map((await listTree(mirror, before)).map((each) => [each.path, each]));
  return new Set(
    changes
      .filter(({ path, newSha, newMode }) => {
        const was = entries.get(path);
        return was === undefined ? newSha === null : was.sha === newSha && was.mode === newMode;
      })
      .map(({ path }) => path),
  );
}
