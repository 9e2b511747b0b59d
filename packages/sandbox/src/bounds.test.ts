import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { runInSandbox } from "./sandbox.ts";
import { processesWith } from "./testing/processes.ts";
import { makeWorld, type World } from "./testing/world.ts";
import type { SandboxLimits, SandboxMount, SandboxResult } from "./types.ts";

const mebibyte = 1024 * 1024;

describe("time", () => {
  it("ends a tree that ignores signals, soon after the limit, daemons included", async () => {
    const world = makeWorld();
    const marker = `marker-${process.pid}-${Date.now()}`;
    const result = await run(world, ["node", "outlive.mjs", "stay", marker], { wallMs: 500 });

    expect(result).toMatchObject({ outcome: "killed", reason: "wall-timeout" });
    expect(result.stdout).toBe("daemon lives\n");
    expect(result.durationMs).toBeGreaterThanOrEqual(500);
    expect(result.durationMs).toBeLessThan(2000);
    expect(processesWith(marker)).toEqual([]);
    await expectStill(world);
  });

  it("lets no daemon survive a program that ends by itself, or delay its result", async () => {
    const world = makeWorld();
    const marker = `marker-${process.pid}-${Date.now()}-left`;
    const result = await run(world, ["node", "outlive.mjs", "leave", marker], { wallMs: 20_000 });

    expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stdout: "daemon lives\n" });
    expect(result.durationMs).toBeLessThan(5000);
    expect(processesWith(marker)).toEqual([]);
    await expectStill(world);
  });

  it("ends a program that used up its CPU time, and says by which signal", async () => {
    const world = makeWorld();
    const result = await run(world, ["node", "exhaust.mjs", "cpu"], { cpuSeconds: 1 });
    expect(result).toMatchObject({ outcome: "signaled", signal: 24 });
    expect(result.durationMs).toBeLessThan(10_000);
  });
});

describe("memory", () => {
  it("refuses one process more than its limit", async () => {
    const world = makeWorld();
    const result = await run(world, ["node", "exhaust.mjs", "memory"], {
      memoryBytes: 512 * mebibyte,
    });
    // Node aborts when an allocation fails; where it is the watch that is faster, it is killed.
    expect(["exited", "signaled", "killed"]).toContain(result.outcome);
    expect(result).not.toMatchObject({ exitCode: 0 });
    expect(result.stdout).toBe("");
    expect(result.peakMemoryBytes).toBeLessThan(700 * mebibyte);
  });

  it("counts all processes of a tree together", async () => {
    const world = makeWorld();
    const result = await run(world, ["node", "exhaust.mjs", "memoryOfMany"], {
      memoryBytes: 400 * mebibyte,
      wallMs: 20_000,
    });
    expect(result).toMatchObject({ outcome: "killed", reason: "memory" });
    expect(result.peakMemoryBytes).toBeGreaterThan(400 * mebibyte);
  });

  it("counts what waits in sockets, where nobody has it mapped", async () => {
    const world = makeWorld();
    const limits = { memoryBytes: 400 * mebibyte };
    const many = await run(world, ["node", "exhaust.mjs", "sockets", "900"], limits);
    expect(many).toMatchObject({ outcome: "killed", reason: "memory" });
    const few = await run(world, ["node", "exhaust.mjs", "sockets", "100"], limits);
    expect(few).toMatchObject({ outcome: "exited", stdout: "filled 100" });
  });

  it("leaves a program alone that stays below", async () => {
    const world = makeWorld();
    const result = await run(
      world,
      ["node", "-e", "const b = Buffer.alloc(100 << 20, 1); setTimeout(() => b.fill(2), 200)"],
      { memoryBytes: 400 * mebibyte },
    );
    expect(result).toMatchObject({ outcome: "exited", exitCode: 0 });
    expect(result.peakMemoryBytes).toBeGreaterThan(100 * mebibyte);
  });
});

describe("processes", () => {
  it("stops a fork bomb at the limit and not before", async () => {
    const world = makeWorld();
    const result = await run(world, ["sh", "forks.sh"], { processes: 64, wallMs: 10_000 });
    const started = result.stdout.trim().split("\n").length;
    expect(started).toBeGreaterThan(55);
    expect(started).toBeLessThanOrEqual(64);
    expect(result.durationMs).toBeLessThan(9000);
  });
});

describe("output", () => {
  it("is cut at the limit, and who floods it is ended", async () => {
    const world = makeWorld();
    const result = await run(world, ["node", "exhaust.mjs", "stdout"], { outputBytes: mebibyte });
    expect(result).toMatchObject({ outcome: "killed", reason: "output-limit", truncated: true });
    expect(result.stdout).toHaveLength(mebibyte);
  });

  it("counts both streams, keeps them apart, and allows exactly the limit", async () => {
    const world = makeWorld();
    const argv = ["sh", "-c", "printf 12345; printf 67890 >&2"];
    const whole = await run(world, argv, { outputBytes: 10 });
    const less = await run(world, argv, { outputBytes: 9 });
    expect(whole).toMatchObject({ outcome: "exited", stdout: "12345", stderr: "67890" });
    expect(whole.truncated).toBe(false);
    expect(less).toMatchObject({ outcome: "killed", reason: "output-limit", truncated: true });
    expect(less.stdout.length + less.stderr.length).toBe(9);
  });
});

describe("disk", () => {
  it.each([
    ["many files", "output"],
    ["files without content", "emptyFiles"],
    ["a directory nobody can look into", process.geteuid?.() === 0 ? "output" : "hiddenOutput"],
  ])("ends who writes %s beyond the limit", async (_what, program) => {
    const world = makeWorld();
    const result = await run(world, ["node", "exhaust.mjs", program], {
      writableBytes: 64 * mebibyte,
      wallMs: 30_000,
    });
    expect(result).toMatchObject({ outcome: "killed", reason: "disk-limit" });
  });

  it("judges a quick writer when it has ended", async () => {
    const world = makeWorld();
    const argv = ["sh", "-c", "head -c 2000000 /dev/zero > /out/two"];
    expect(await run(world, argv, { writableBytes: 1_000_000 })).toMatchObject({
      outcome: "killed",
      reason: "disk-limit",
    });
    expect(await run(world, argv, { writableBytes: 4_000_000 })).toMatchObject({
      outcome: "exited",
      exitCode: 0,
    });
  });

  it("lets no file grow beyond its limit", async () => {
    const world = makeWorld();
    const result = await run(world, ["node", "exhaust.mjs", "oneFile"], {
      fileBytes: 8 * mebibyte,
    });
    expect(result).toMatchObject({ outcome: "exited", stdout: `EFBIG after ${8 * mebibyte}` });
    expect(statSync(path.join(world.out, "fill-0")).size).toBe(8 * mebibyte);
  });

  it.each([
    ["/tmp", "tmp", 32],
    ["/dev/shm", "sharedMemory", 64],
  ])("gives %s its size and no more", async (_where, program, size) => {
    const world = makeWorld();
    const result = await run(world, ["node", "exhaust.mjs", program], { tmpBytes: 32 * mebibyte });
    expect(result.stdout).toMatch(/^ENOSPC after \d+$/);
    const written = Number(result.stdout.split(" ")[2]) / mebibyte;
    expect(written).toBeLessThanOrEqual(size);
    expect(written).toBeGreaterThan(size - 2);
  });
});

/** Nothing writes to the output directory any more. */
async function expectStill(world: World): Promise<void> {
  const heartbeat = path.join(world.out, "heartbeat");
  expect(existsSync(heartbeat)).toBe(true);
  const { size } = statSync(heartbeat);
  await sleep(100);
  expect(statSync(heartbeat).size).toBe(size);
  expect(readdirSync(world.out)).toEqual(["heartbeat"]);
}

function run(world: World, argv: string[], limits: Partial<SandboxLimits>): Promise<SandboxResult> {
  const mounts: SandboxMount[] = [{ kind: "rw", source: world.out, target: "/out" }];
  return runInSandbox({ argv, workspace: world.workspace, mounts, limits });
}
