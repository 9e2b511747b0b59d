import type { Mirror } from "./mirror.ts";
import { gitText, runGit } from "./run-git.ts";

/**
 * Names what a change does to a tree, apart from line numbers and white space, by
 * `git patch-id --stable`: the same patch on another base has the same name. Null for no change.
 */
export async function patchId(mirror: Mirror, from: string, to: string): Promise<string | null> {
  const { gitDir } = mirror;
  const { stdout } = await runGit(["diff-tree", "-p", "--no-renames", "--full-index", from, to], {
    gitDir,
  });
  const answer = await gitText(["patch-id", "--stable"], { gitDir, input: stdout });
  return /^[0-9a-f]{40,64}/.exec(answer)?.[0] ?? null;
}
