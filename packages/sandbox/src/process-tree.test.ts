import { spawn } from "node:child_process";
import { once } from "node:events";

import { describe, expect, it, onTestFinished } from "vitest";

import { exactTreeMemoryBytes, treeMemoryBytes } from "./process-tree.ts";
import { waitAfterLook } from "./watches.ts";

const mebibyte = 1024 * 1024;

describe("the memory of a process tree", () => {
  it("counts what processes share once, where it is asked exactly", async () => {
    const root = await sharingTree();
    expect(treeMemoryBytes(root)).toBeGreaterThan(4 * 60 * mebibyte);
    const exact = await exactTreeMemoryBytes(root, 1024 * mebibyte);
    expect(exact).toBeGreaterThan(50 * mebibyte);
    expect(exact).toBeLessThan(2 * 60 * mebibyte);
  });

  it("is asked exactly beside the event loop, and no further than the limit", async () => {
    const root = await sharingTree();
    let turns = 0;
    setImmediate(() => turns++);
    const bytes = await exactTreeMemoryBytes(root, 1);
    expect(turns).toBe(1);
    expect(bytes).toBeLessThan(50 * mebibyte);
  });

  it.each([
    ["a look that cost nothing", 0, 50],
    ["a look that cost some", 20, 200],
    ["a look that cost much, for no longer than a tree may go unseen", 4000, 1000],
  ])("is left alone after %s", (_what, tookMs, waitMs) => {
    expect(waitAfterLook(tookMs)).toBe(waitMs);
  });
});

/** A shell that holds some memory, and three of its forks that share it, until the test is over. */
async function sharingTree(): Promise<number> {
  const child = spawn("sh", ["-c", sharing], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.stdin.end());
  await once(child.stdout, "data");
  return Number(child.pid);
}

const sharing = `
  kept=$(head -c ${60 * mebibyte} /dev/zero | tr '\\0' x)
  exec 3<&0
  for _ in 1 2 3; do (read -r end <&3; exit) & done
  echo ready
  read -r end
`;
