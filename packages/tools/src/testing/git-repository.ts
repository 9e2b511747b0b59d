import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchBranch, openMirror, treeOf, type Mirror } from "../self-extension/git/mirror.ts";
import { gitEnvironment, gitText, runGit } from "../self-extension/git/run-git.ts";
import { makeRepository, plainFiles, type TestRepository } from "./repository.ts";

export { makeRepository, openRepository, type TestRepository } from "./repository.ts";

/** A plain project without any dependency, with tests in node:test. */
export function plainProject(extra: Record<string, string> = {}): TestRepository {
  return makeRepository({ ...plainFiles, ...extra });
}

/** A bare mirror of a repository's main branch, as the pipeline keeps one. */
export async function mirrorOf(repository: Pick<TestRepository, "gitDirectory">): Promise<{
  mirror: Mirror;
  sha: string;
  tree: string;
  remove(): void;
}> {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-mirror-"));
  const mirror = await openMirror(join(directory, "mirror.git"));
  const sha = await fetchBranch(
    mirror,
    { url: repository.gitDirectory, authorization: null },
    "main",
  );
  return {
    mirror,
    sha,
    tree: await treeOf(mirror, sha),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Makes a tree from bytes and modes by plumbing alone: what lies in it is exactly what is given. */
export async function treeFrom(
  mirror: Mirror,
  files: readonly { path: string; content: string | Buffer; mode?: string }[],
): Promise<string> {
  const index = { ...gitEnvironment(), GIT_INDEX_FILE: join(mirror.gitDir, "test-index") };
  rmSync(index.GIT_INDEX_FILE, { force: true });
  const entries: string[] = [];
  for (const { path, content, mode = "100644" } of files) {
    const sha = await gitText(["hash-object", "-w", "--stdin"], { ...mirror, input: content });
    entries.push(`${mode} ${sha}\t${path}\0`);
  }
  await runGit(["update-index", "-z", "--index-info"], {
    ...mirror,
    env: index,
    input: entries.join(""),
  });
  return await gitText(["write-tree"], { ...mirror, env: index });
}
