import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mirror } from "./mirror.ts";
import { gitEnvironment, gitText, runGit } from "./run-git.ts";

export type AppliedPatch =
  | { readonly applied: true; readonly tree: string }
  | { readonly applied: false; readonly message: string };

/**
 * Applies a git patch to a commit's tree inside the object store: an index of its own, no files on
 * disk, so nothing a patch names can be followed or overwritten. git itself refuses paths that leave
 * the tree, `.git` in any spelling and paths beyond a symbolic link; its words come back as `message`.
 */
export async function applyPatch(
  mirror: Mirror,
  commit: string,
  patch: Buffer,
): Promise<AppliedPatch> {
  const scratch = await mkdtemp(join(tmpdir(), "jarvis-index-"));
  try {
    const env = { ...gitEnvironment(), GIT_INDEX_FILE: join(scratch, "index") };
    await runGit(["read-tree", `${commit}^{tree}`], { gitDir: mirror.gitDir, env });
    const result = await runGit(["apply", "--cached", "--whitespace=nowarn", "-p1", "-"], {
      gitDir: mirror.gitDir,
      env,
      input: patch,
      accept: [0, 1, 128],
    });
    if (result.exitCode !== 0) {
      const message = result.stderr.trim().split("\n").slice(0, 3).join("; ");
      return { applied: false, message };
    }
    const tree = await gitText(["write-tree"], { gitDir: mirror.gitDir, env });
    return { applied: true, tree };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
