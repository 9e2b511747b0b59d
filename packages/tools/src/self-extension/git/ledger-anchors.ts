import { anchorIn, LedgerError, type Anchor } from "@jarvis/ledger";
import { ANCHOR_TRAILER } from "../ledger-seal.ts";
import { runGit, type GitOptions } from "./run-git.ts";

const FORM = /^([1-9]\d{0,15}) ([A-Za-z0-9+/]{43}=) (\S{1,200})$/;

/**
 * The checkpoints that a repository carries: in the trailers of what a commit descends from, and in
 * the history of `refs/jarvis/checkpoints` where it was fetched. Oldest last. Whoever can write to
 * the base can write a trailer: an anchor that does not fit is somebody's lie, not always ours.
 */
export async function readLedgerAnchors(
  options: Pick<GitOptions, "gitDir">,
  commit: string,
): Promise<Anchor[]> {
  const format = `%H%x00%(trailers:key=${ANCHOR_TRAILER},valueonly,separator=%x01)`;
  const { stdout } = await runGit(
    ["log", "--no-show-signature", "--no-color", `--format=${format}`, commit, "--"],
    options,
  );
  const anchors: Anchor[] = [];
  for (const line of stdout.toString("utf8").split("\n")) {
    const [sha = "", values = ""] = line.split("\0");
    for (const value of values.split("\u0001")) {
      const found = FORM.exec(value.trim());
      const [, size, root, origin] = found ?? [];
      if (size === undefined || root === undefined || origin === undefined) continue;
      anchors.push({ size: Number(size), root, origin, where: `commit ${sha}` });
    }
  }
  return [...anchors, ...(await readFetchedCheckpoints(options))];
}

async function readFetchedCheckpoints(options: Pick<GitOptions, "gitDir">): Promise<Anchor[]> {
  const ref = "refs/jarvis/checkpoints";
  const known = await runGit(["rev-parse", "--verify", "--quiet", ref], {
    ...options,
    accept: [0, 1],
  });
  if (known.exitCode !== 0) return [];
  const { stdout } = await runGit(["rev-list", ref, "--"], options);
  const commits = stdout.toString("utf8").trim().split("\n");
  const { stdout: notes } = await runGit(["cat-file", "--batch"], {
    ...options,
    input: commits.map((commit) => `${commit}:checkpoint\n`).join(""),
  });
  const anchors: Anchor[] = [];
  let at = 0;
  for (const commit of commits) {
    const end = notes.indexOf("\n", at);
    const [, type, length] = / (\w+) (\d+)$/.exec(notes.subarray(at, end).toString("utf8")) ?? [];
    // A commit without a checkpoint in it: git says `missing` and nothing follows.
    at = end + 1;
    if (length === undefined) continue;
    const note = notes.subarray(at, at + Number(length)).toString("utf8");
    at += Number(length) + 1;
    const anchor = type === "blob" ? anchorOrNull(note, `${ref} ${commit}`) : null;
    if (anchor !== null) anchors.push(anchor);
  }
  return anchors;
}

/** Null for what is no checkpoint: whoever can push there must not hide the others by it. */
function anchorOrNull(note: string, where: string): Anchor | null {
  try {
    return anchorIn(note, where);
  } catch (error) {
    if (error instanceof LedgerError) return null;
    throw error;
  }
}
