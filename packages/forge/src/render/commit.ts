import { isoDate, type Commit, type Signature } from "../git/commit.ts";
import type { FileChange } from "../git/diff.ts";
import type { Sha } from "../git/names.ts";
import type { GitHubCommit, GitHubFile, GitHubGitCommit } from "./github-types.ts";
import { encodePath, nodeId, type Links } from "./links.ts";

/** A commit as an object of the git database. */
export function renderGitCommit(links: Links, commit: Commit): GitHubGitCommit {
  const url = `${links.repository}/git/commits`;
  return {
    sha: commit.sha,
    node_id: nodeId("Commit", commit.sha),
    url: `${url}/${commit.sha}`,
    html_url: links.commit(commit.sha),
    author: renderSignature(commit.author),
    committer: renderSignature(commit.committer),
    tree: { sha: commit.tree, url: treeUrl(links, commit.tree) },
    message: commit.message,
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${url}/${sha}`,
      html_url: links.commit(sha),
    })),
    verification: UNSIGNED,
  };
}

/** A commit of a branch's history, as lists, comparisons and pull requests show it. */
export function renderCommit(links: Links, commit: Commit): GitHubCommit {
  const url = `${links.repository}/commits`;
  return {
    url: `${url}/${commit.sha}`,
    sha: commit.sha,
    node_id: nodeId("Commit", commit.sha),
    html_url: links.commit(commit.sha),
    comments_url: `${url}/${commit.sha}/comments`,
    commit: {
      url: `${links.repository}/git/commits/${commit.sha}`,
      author: renderSignature(commit.author),
      committer: renderSignature(commit.committer),
      message: commit.message,
      comment_count: 0,
      tree: { sha: commit.tree, url: treeUrl(links, commit.tree) },
      verification: UNSIGNED,
    },
    // An e-mail address in a commit is a claim; it is never turned into one of the forge's actors.
    author: null,
    committer: null,
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${url}/${sha}`,
      html_url: links.commit(sha),
    })),
  };
}

export function renderStats(files: readonly FileChange[]) {
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return { additions, deletions, total: additions + deletions };
}

/** `at` is the commit in which the file is found. */
export function renderFile(links: Links, file: FileChange, at: Sha): GitHubFile {
  const path = encodePath(file.filename);
  return {
    sha: file.sha,
    filename: file.filename,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${links.web}/blob/${at}/${path}`,
    raw_url: `${links.web}/raw/${at}/${path}`,
    contents_url: `${links.repository}/contents/${path}?ref=${at}`,
    ...(file.patch === undefined ? {} : { patch: file.patch }),
    ...(file.previousFilename === undefined ? {} : { previous_filename: file.previousFilename }),
  };
}

const UNSIGNED = {
  verified: false,
  reason: "unsigned",
  signature: null,
  payload: null,
  verified_at: null,
};

function renderSignature(signature: Signature) {
  return { name: signature.name, email: signature.email, date: isoDate(signature) };
}

function treeUrl(links: Links, tree: Sha): string {
  return `${links.repository}/git/trees/${tree}`;
}
