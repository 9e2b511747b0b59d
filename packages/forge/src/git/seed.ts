import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

import { ForgeError } from "../forge-error.ts";
import { formatCommit, parseCommit, subject, type Signature } from "./commit.ts";
import { createGit, type Git } from "./git.ts";
import { isSha, type Sha } from "./names.ts";
import { ObjectStore } from "./objects.ts";

export interface Seed {
  gitDirectory: string;
  commit: string;
}

/**
 * Copies one commit and its history into `target` and answers the commit to start from. The seed is
 * only read: git is told to pack what the commit reaches, and our own git takes the pack in.
 *
 * A shallow clone lacks the parents of its oldest commits. Then the answer is a parentless commit of
 * the same tree that names the original, since a repository with missing parents is broken.
 */
export async function seedRepository(
  target: Git,
  seed: Seed,
  executablePath: string | undefined,
): Promise<Sha> {
  if (!isSha(seed.commit)) {
    throw new ForgeError("seed-unusable", `a full commit id is needed as seed, got ${seed.commit}`);
  }
  const source = createGit({ gitDirectory: seed.gitDirectory, executablePath });
  const object = await new ObjectStore(source).read(seed.commit).catch((error: unknown) => {
    throw new ForgeError("seed-unusable", `no git repository at ${seed.gitDirectory}`, {
      cause: error,
    });
  });
  if (object?.type !== "commit") {
    throw new ForgeError("seed-unusable", `no commit ${seed.commit} in ${seed.gitDirectory}`);
  }
  const commit = parseCommit(object);
  if (!(await isTruncated(source, commit.sha))) {
    await copyReachable(source, target, commit.sha);
    return commit.sha;
  }
  await copyReachable(source, target, commit.tree);
  const identity: Signature = {
    ...commit.committer,
    name: "Jarvis Forge",
    email: "forge@localhost",
  };
  return new ObjectStore(target).write(
    "commit",
    formatCommit({
      tree: commit.tree,
      parents: [],
      author: identity,
      committer: identity,
      message:
        `${subject(commit.message)}\n\n` +
        `The history of this commit is not here: the repository it came from is shallow.\n\n` +
        `Seeded-From: ${commit.sha}\n`,
    }),
  );
}

/** Whether the commit's history ends at a shallow boundary. */
async function isTruncated(source: Git, commit: Sha): Promise<boolean> {
  const path = await source.text(["rev-parse", "--path-format=absolute", "--git-path", "shallow"]);
  const boundary = await readFile(path, "utf8").catch(() => "");
  if (boundary.trim() === "") return false;
  const boundaries = new Set(boundary.split("\n"));
  const reachable = await source.text(["rev-list", commit]);
  return reachable.split("\n").some((sha) => boundaries.has(sha));
}

async function copyReachable(source: Git, target: Git, sha: Sha): Promise<void> {
  const pack = spawn("git", ["pack-objects", "--revs", "--stdout", "--quiet"], {
    env: source.environment,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const index = spawn("git", ["index-pack", "--stdin"], {
    env: target.environment,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = Promise.all([once(pack, "close"), once(index, "close")]);
  pack.stdin.end(`${sha}\n`);
  // A git that ends early breaks the pipe; the exit codes say which one and are checked below.
  await pipeline(pack.stdout, index.stdin).catch(() => undefined);
  const codes = (await ended).map(([code]) => code as number | null);
  // Missing objects would otherwise show up much later, in somebody's fetch.
  const complete = await target.run(["rev-list", "--objects", "--quiet", sha], {
    okCodes: [1, 128],
  });
  if (codes.some((code) => code !== 0) || complete.code !== 0) {
    throw new ForgeError(
      "seed-unusable",
      `${sha} could not be copied whole from ${source.gitDirectory}; is an object missing there?`,
    );
  }
}
