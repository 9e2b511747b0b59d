import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SelfExtensionError } from "../errors.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { releaseRef, removeLeftPacks } from "./left-behind.ts";
import { gitEnvironment, gitText, runGit, type GitOptions } from "./run-git.ts";

/**
 * The bare repository of our own in which every git operation of the pipeline happens. Nobody works
 * in it, it has no work tree and no hooks, and a person's clone is never touched.
 */
export interface Mirror {
  readonly gitDir: string;
}

export interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
  readonly path: string;
}

/** One path that differs between two trees; `oldMode` or `newMode` is null where there is no file. */
export interface TreeChange {
  readonly path: string;
  readonly oldMode: string | null;
  readonly newMode: string | null;
  readonly oldSha: string | null;
  readonly newSha: string | null;
}

export interface GitIdentity {
  readonly name: string;
  readonly email: string;
}

export async function openMirror(gitDir: string): Promise<Mirror> {
  try {
    await access(join(gitDir, "HEAD"));
    // git makes them last: one that was killed before may be begun again.
    await access(join(gitDir, "objects", "info"));
  } catch {
    await mkdir(gitDir, { recursive: true, mode: 0o700 });
    await runGit(["init", "--bare", "--quiet", gitDir], { gitDir });
  }
  return { gitDir };
}

/**
 * Fetches one branch of the remote and answers the SHA it stood at. The credential travels in the
 * environment, never in argv, where any user of the machine could read it.
 */
export async function fetchBranch(
  mirror: Mirror,
  remote: { url: string; authorization: string | null },
  branch: string,
): Promise<string> {
  // Runs of one kernel take turns: two fetches into one ref fail on each other's lock.
  const turn = (fetching.get(mirror.gitDir) ?? Promise.resolve()).then(
    async () => await fetchNow(mirror, remote, branch),
  );
  const settled = turn.catch(() => undefined);
  fetching.set(mirror.gitDir, settled);
  try {
    return await turn;
  } finally {
    if (fetching.get(mirror.gitDir) === settled) fetching.delete(mirror.gitDir);
  }
}

const fetching = new Map<string, Promise<unknown>>();

async function fetchNow(
  mirror: Mirror,
  remote: { url: string; authorization: string | null },
  branch: string,
): Promise<string> {
  const headers: (readonly [string, string])[] =
    remote.authorization === null
      ? []
      : [["http.extraHeader", `Authorization: ${remote.authorization}`]];
  // A redirect names another repository.
  const settings = [...headers, ["http.followRedirects", "false"] as const];
  const env = { ...gitEnvironment(settings), GIT_ALLOW_PROTOCOL: "http:https:file" };
  removeLeftPacks(mirror);
  await releaseRef(mirror, `refs/jarvis/remote/${branch}`);
  await runGit(
    [
      "fetch",
      "--quiet",
      "--no-tags",
      "--no-write-fetch-head",
      "--end-of-options",
      remote.url,
      `+refs/heads/${branch}:refs/jarvis/remote/${branch}`,
    ],
    { gitDir: mirror.gitDir, env },
  );
  return await gitText(["rev-parse", "--verify", `refs/jarvis/remote/${branch}^{commit}`], mirror);
}

/** The commit that a branch stood at when it was fetched last; null where it never was. */
export async function fetchedBranch(mirror: Mirror, branch: string): Promise<string | null> {
  const { exitCode, stdout } = await runGit(
    ["rev-parse", "--verify", "--quiet", `refs/jarvis/remote/${branch}^{commit}`],
    { gitDir: mirror.gitDir, accept: [0, 1, 128] },
  );
  return exitCode === 0 ? stdout.toString("utf8").trim() : null;
}

export async function treeOf(mirror: Mirror, commit: string): Promise<string> {
  const args = ["rev-parse", "--verify", "--end-of-options", `${commit}^{tree}`];
  return await trees.of(mirror, [commit], async () => await gitText(args, mirror));
}

const trees = new KeptAnswers<string>(256);

export async function hasCommit(mirror: Mirror, sha: string): Promise<boolean> {
  const result = await runGit(["cat-file", "-e", `${sha}^{commit}`], {
    gitDir: mirror.gitDir,
    accept: [0, 1, 128],
  });
  return result.exitCode === 0;
}

export async function isAncestor(
  mirror: Mirror,
  ancestor: string,
  descendant: string,
): Promise<boolean> {
  const result = await runGit(["merge-base", "--is-ancestor", ancestor, descendant], {
    gitDir: mirror.gitDir,
    accept: [0, 1],
  });
  return result.exitCode === 0;
}

/** Every file of a tree, in git's order. */
export async function listTree(mirror: Mirror, tree: string): Promise<readonly TreeEntry[]> {
  // A change and its base are listed at many places.
  return await listings.of(mirror, [tree], async () => await listNow(mirror, tree));
}

/** A large repository's listing takes some megabytes. */
const listings = new KeptAnswers<readonly TreeEntry[]>(4);

async function listNow(mirror: Mirror, tree: string): Promise<readonly TreeEntry[]> {
  const { stdout } = await runGit(["ls-tree", "-r", "-z", "--full-tree", tree], mirror);
  return splitNul(stdout).map((line) => {
    const match = /^(\d{6}) (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line);
    if (match === null) {
      throw new SelfExtensionError(
        "git-failed",
        `git ls-tree answered a line it never should: ${line}`,
      );
    }
    const [, mode = "", type = "", sha = "", path = ""] = match;
    return { mode, type, sha, path };
  });
}

/** What differs between two trees, without rename detection: a rename is a removal and an addition. */
export async function diffTrees(
  mirror: Mirror,
  from: string,
  to: string,
): Promise<readonly TreeChange[]> {
  return await differences.of(mirror, [from, to], async () => await diffNow(mirror, from, to));
}

const differences = new KeptAnswers<readonly TreeChange[]>(8);

/** The same of objects that may lie elsewhere than in the mirror; nothing is remembered of it. */
export async function diffNow(
  options: GitOptions,
  from: string,
  to: string,
): Promise<TreeChange[]> {
  const { stdout } = await runGit(
    ["diff-tree", "-r", "-z", "--no-renames", "--raw", from, to],
    options,
  );
  const fields = splitNul(stdout);
  const changes: TreeChange[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const meta = /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) \w/.exec(fields[index] ?? "");
    if (meta === null) {
      throw new SelfExtensionError(
        "git-failed",
        "git diff-tree answered a record it never should.",
      );
    }
    const [, oldMode = "", newMode = "", oldSha = "", newSha = ""] = meta;
    changes.push({
      path: fields[index + 1] ?? "",
      oldMode: oldMode === "000000" ? null : oldMode,
      newMode: newMode === "000000" ? null : newMode,
      oldSha: oldMode === "000000" ? null : oldSha,
      newSha: newMode === "000000" ? null : newSha,
    });
  }
  return changes;
}

export async function readBlob(mirror: Mirror, sha: string): Promise<Buffer> {
  return (await runGit(["cat-file", "blob", sha], mirror)).stdout;
}

/** A file of a tree, or null where the tree has none at that path. */
export async function readFileOfTree(
  mirror: Mirror,
  tree: string,
  path: string,
): Promise<Buffer | null> {
  const read = async (): Promise<Buffer | null> => await readFileNow(mirror, tree, path);
  return await files.of(mirror, [tree], read, path);
}

const LARGEST_KEPT_BYTES = 64 * 1024;
/** The configuration and its like, which every stage reads of the base. */
const files = new KeptAnswers<Buffer | null>(
  32,
  (content) => content === null || content.length <= LARGEST_KEPT_BYTES,
);

async function readFileNow(mirror: Mirror, tree: string, path: string): Promise<Buffer | null> {
  const { stdout } = await runGit(["ls-tree", "-z", "--full-tree", tree, "--", path], mirror);
  const match = /^100(?:644|755) blob ([0-9a-f]+)\t/.exec(stdout.toString("utf8"));
  return match?.[1] === undefined ? null : await readBlob(mirror, match[1]);
}

/** Many blobs through one git process: a workspace of thousands of files takes milliseconds. */
export async function readBlobs(
  mirror: Mirror,
  shas: readonly string[],
): Promise<Map<string, Buffer>> {
  const unique = [...new Set(shas)];
  const { stdout } = await runGit(["cat-file", "--batch", "--buffer"], {
    gitDir: mirror.gitDir,
    input: unique.map((sha) => `${sha}\n`).join(""),
  });
  const blobs = new Map<string, Buffer>();
  let offset = 0;
  while (offset < stdout.length) {
    const end = stdout.indexOf(10, offset);
    const [sha = "", type = "", size = ""] = stdout
      .subarray(offset, end)
      .toString("utf8")
      .split(" ");
    if (type !== "blob") {
      throw new SelfExtensionError("git-failed", `object ${sha} is ${type}, expected a blob`);
    }
    const start = end + 1;
    blobs.set(sha, stdout.subarray(start, start + Number(size)));
    offset = start + Number(size) + 1;
  }
  return blobs;
}

/** How large blobs are, without reading them. What is no blob here (a submodule's commit) has no size. */
export async function sizesOf(
  options: GitOptions,
  shas: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await runGit(["cat-file", "--batch-check", "--buffer"], {
    ...options,
    input: [...new Set(shas)].map((sha) => `${sha}\n`).join(""),
  });
  const sizes = new Map<string, number>();
  for (const line of stdout.toString("utf8").split("\n")) {
    const [sha = "", type = "", size = ""] = line.split(" ");
    if (type === "blob") sizes.set(sha, Number(size));
  }
  return sizes;
}

/**
 * Writes a commit object byte by byte, so that its SHA is known before GitHub is asked to make the
 * same one. `message` is kept verbatim; dates are whole seconds in UTC.
 */
export async function writeCommit(
  mirror: Mirror,
  commit: {
    tree: string;
    parents: readonly string[];
    identity: GitIdentity;
    date: Date;
    message: string;
  },
): Promise<string> {
  const seconds = Math.floor(commit.date.getTime() / 1000);
  const who = `${commit.identity.name} <${commit.identity.email}> ${seconds} +0000`;
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${who}`,
    `committer ${who}`,
    "",
    commit.message,
  ];
  return await gitText(["hash-object", "-t", "commit", "-w", "--stdin"], {
    gitDir: mirror.gitDir,
    input: lines.join("\n"),
  });
}

/** Keeps an object from being pruned for as long as a run needs it. */
export async function keepCommit(mirror: Mirror, name: string, sha: string): Promise<void> {
  const ref = `refs/jarvis/kept/${name}`;
  await releaseRef(mirror, ref);
  await runGit(["update-ref", ref, sha], mirror);
}

function splitNul(bytes: Buffer): string[] {
  const text = bytes.toString("utf8");
  return text === "" ? [] : text.replace(/\0$/, "").split("\0");
}
