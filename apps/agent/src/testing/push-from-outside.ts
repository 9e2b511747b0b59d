import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeOctokit } from "@jarvis/tools/self-extension";

/** Commits to the base as a person would through the repository host, past Jarvis. */
export async function pushFromOutside(
  stateDir: string,
  path: string,
  content: string,
): Promise<string> {
  const forge = join(stateDir, "forge");
  const port = readFileSync(join(forge, "port"), "utf8").trim();
  const octokit = makeOctokit({
    apiUrl: `http://127.0.0.1:${port}/api/v3`,
    token: readFileSync(join(forge, "operator-token"), "utf8").trim(),
    remote: false,
  });
  const at = { owner: "local", repo: "project" };
  const { data: ref } = await octokit.rest.git.getRef({ ...at, ref: "heads/main" });
  const { data: tree } = await octokit.rest.git.createTree({
    ...at,
    base_tree: ref.object.sha,
    tree: [{ path, mode: "100644", type: "blob", content }],
  });
  const { data: commit } = await octokit.rest.git.createCommit({
    ...at,
    message: "From outside",
    tree: tree.sha,
    parents: [ref.object.sha],
  });
  for (const context of ["jarvis/sandbox", "jarvis/promotion"]) {
    await octokit.rest.repos.createCommitStatus({
      ...at,
      sha: commit.sha,
      state: "success",
      context,
    });
  }
  await octokit.rest.git.updateRef({ ...at, ref: "heads/main", sha: commit.sha });
  return commit.sha;
}
