import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { formatCommit } from "./commit.ts";
import { EMPTY_TREE } from "./diff.ts";
import { createGit, type Git } from "./git.ts";
import { History } from "./history.ts";
import type { Sha } from "./names.ts";
import { ObjectStore } from "./objects.ts";

let directory: string;
let git: Git;
let objects: ObjectStore;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-history-"));
  execFileSync("git", ["init", "--quiet", "--bare", directory]);
  git = createGit({ gitDirectory: directory });
  objects = new ObjectStore(git);
  await objects.write("tree", "");
});

afterAll(async () => {
  await git.end();
  rmSync(directory, { recursive: true, force: true });
});

describe("history that is held in memory", () => {
  // Each commit names its parents: lines, forks, merges, a criss-cross and a history of its own.
  const shapes: Record<string, Record<string, string[]>> = {
    "a line and its forks": {
      a: [],
      b: ["a"],
      c: ["b"],
      d: ["c"],
      e: ["b"],
      f: ["e"],
      other: [],
      another: ["other"],
    },
    "merges on the way": {
      a: [],
      b: ["a"],
      c: ["a"],
      d: ["b", "c"],
      e: ["d"],
      f: ["d"],
      g: ["e", "c"],
      h: ["g"],
    },
    "a criss-cross": {
      a: [],
      b: ["a"],
      c: ["a"],
      d: ["b", "c"],
      e: ["c", "b"],
      f: ["d"],
      g: ["e"],
    },
  };

  it.each(Object.entries(shapes))("is told as git tells it: %s", async (_, shape) => {
    const commits = await make(shape);
    const held = new History(git, objects);
    const askedOfGit = new History(git, { held: () => undefined });
    for (const [left, from] of commits) {
      for (const [right, to] of commits) {
        const told = await tellAll(held, from, to);
        expect(told, `${left} and ${right}`).toEqual(await tellAll(askedOfGit, from, to));
      }
    }
  });

  it("costs no git where nothing on the way is a merge, and one where something is", async () => {
    const line = await make({ p: [], q: ["p"], r: ["q"], s: ["q"], t: ["r", "s"] });
    const sha = (name: string): Sha => line.get(name) ?? expect.fail();
    const asked: string[] = [];
    const watched: Git = {
      ...git,
      known: (args, options) => {
        asked.push(args[0] ?? "");
        return git.known(args, options);
      },
    };
    const history = new History(watched, objects);
    expect(await history.between(sha("p"), sha("s"), { merges: true })).toEqual([
      sha("q"),
      sha("s"),
    ]);
    expect(await history.mergeBase(sha("r"), sha("s"))).toBe(sha("q"));
    expect(asked).toEqual([]);
    expect(await history.isAncestor(sha("s"), sha("t"))).toBe(true);
    expect(asked).toEqual(["merge-base"]);
  });

  async function tellAll(history: History, from: Sha, to: Sha) {
    return {
      base: await history.mergeBase(from, to),
      isAncestor: await history.isAncestor(from, to),
      count: await history.countBetween(from, to),
      between: await history.between(from, to, { merges: true }),
      withoutMerges: await history.between(from, to, { merges: false }),
    };
  }

  /** A second later each, so that git's order of two equal ones is not left to chance. */
  async function make(shape: Record<string, string[]>): Promise<Map<string, Sha>> {
    const made = new Map<string, Sha>();
    for (const [name, parents] of Object.entries(shape)) {
      const who = {
        name: "a",
        email: "a@b",
        timestampSeconds: 1_700_000_000 + made.size,
        offset: "+0000",
      };
      const commit = {
        tree: EMPTY_TREE,
        parents: parents.map((parent) => made.get(parent) ?? expect.fail()),
        author: who,
        committer: who,
        message: name,
      };
      made.set(name, await objects.write("commit", formatCommit(commit)));
    }
    return made;
  }
});
