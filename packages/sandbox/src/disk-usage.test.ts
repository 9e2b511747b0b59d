import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { collectOutput } from "./collect-output.ts";
import { diskUsage } from "./disk-usage.ts";
import { startInSandbox } from "./start-in-sandbox.ts";
import { makeWorld } from "./testing/world.ts";
import { walkChangingDirectory, walkDirectory } from "./walk-directory.ts";

const mebibyte = 1024 * 1024;
const plenty = { files: 1000, bytes: mebibyte };
const noDescriptors = "no descriptors or memory left";

describe("the disk that a sandbox uses", () => {
  it("counts what comes after an entry that vanished under the walk", async () => {
    const { out } = makeWorld();
    const names = Array.from({ length: 600 }, (_, index) => String(index).padStart(3, "0"));
    for (const name of names) writeFileSync(path.join(out, name), "");
    writeFileSync(path.join(out, "last"), Buffer.alloc(4 * mebibyte, 1));
    // The first 512 entries are walked before the call answers.
    const usage = diskUsage([out], 1024 * mebibyte);
    rmSync(path.join(out, "555"));
    expect(await usage).toBeGreaterThan(4 * mebibyte);
  });

  it.each([
    ["removed", (place: string) => rmSync(place, { recursive: true })],
    [
      "replaced by a file",
      (place: string) => {
        rmSync(place, { recursive: true });
        writeFileSync(place, "");
      },
    ],
  ])("passes over a directory that is %s, and nothing else", (_how, change) => {
    const { out } = makeWorld();
    for (const name of ["a", "b", "c"])
      mkdirSync(path.join(out, name, "inside"), { recursive: true });
    const walked: string[] = [];
    for (const entry of walkChangingDirectory(out)) {
      walked.push(entry.path);
      if (entry.path === "b") change(path.join(out, "b"));
    }
    expect(walked).toEqual(["a", "a/inside", "b", "c", "c/inside"]);
  });

  it("is nothing where the directory is not there, and a strict walk still throws", async () => {
    const { out } = makeWorld();
    writeFileSync(path.join(out, "a"), "");
    writeFileSync(path.join(out, "b"), "");
    const strictly = (): void => {
      for (const entry of walkDirectory(out)) if (entry.path === "a") rmSync(path.join(out, "b"));
    };
    expect(strictly).toThrow('"b" is not there');
    expect(await diskUsage([path.join(out, "none")], 1)).toBe(0);
  });
});

describe("a machine without descriptors", () => {
  it("is not blamed on what was written", async () => {
    const { out } = makeWorld();
    mkdirSync(path.join(out, "d/".repeat(60)), { recursive: true });
    leaveDescriptors(40);
    await expect(diskUsage([out], mebibyte)).rejects.toThrow(noDescriptors);
    const collected = collectOutput(out, plenty);
    await expect(collected).rejects.toThrow(noDescriptors);
    // Callers take a SandboxError for something about the output.
    await expect(collected).rejects.toMatchObject({ name: "Error" });
  });

  it.each(["stays", "ends"])("is the sandbox's own error where a program %s", async (what) => {
    const { workspace, out } = makeWorld();
    let tellNested: () => void = () => undefined;
    const nested = new Promise<void>((resolve) => {
      tellNested = resolve;
    });
    const start = await startInSandbox({
      label: "nests",
      argv: ["sh", "-c", `mkdir -p /out/${"d/".repeat(60)} && echo nested && read end`],
      workspace,
      mounts: [{ kind: "rw", source: out, target: "/out" }],
      onLine: tellNested,
    });
    if (!start.started) throw new Error(start.message);
    await nested;
    leaveDescriptors(40);
    if (what === "ends") start.process.send("end");
    expect(await start.process.ended).toMatchObject({
      outcome: "sandbox-error",
      message: expect.stringContaining(noDescriptors),
    });
  });
});

/** Until the end of the test this process may open so many descriptors beyond those that it has. */
function leaveDescriptors(count: number): void {
  const soft = (limit: number | string): void =>
    void execFileSync("prlimit", ["--pid", String(process.pid), `--nofile=${limit}:`]);
  const before = execFileSync(
    "prlimit",
    ["--pid", String(process.pid), "--nofile", "--noheadings", "--raw", "--output=SOFT"],
    { encoding: "utf8" },
  ).trim();
  onTestFinished(() => soft(before));
  // A limit is one of numbers, and those in use have gaps between them.
  const used = new Set(readdirSync("/proc/self/fd").map(Number));
  let limit = 0;
  for (let free = 0; free < count; limit++) if (!used.has(limit)) free++;
  soft(limit);
}
