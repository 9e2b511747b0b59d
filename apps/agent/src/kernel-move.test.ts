import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processesWith } from "@jarvis/sandbox/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { KernelRelease } from "./kernel/move/kernel-pointer.ts";
import {
  discardState,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { slowPatch } from "./testing/repository.ts";
import { tinyJarvis } from "./testing/tiny-jarvis.ts";

let repository: ReturnType<typeof tinyJarvis>;
let stateDir: string;
let jarvis: KernelProgram;

interface Status {
  readonly kernel: {
    pid: number;
    startedAt: string;
    release: { sha: string } | null;
    moving: boolean;
    leftOut: { sha: string; why: string }[];
  };
  readonly baseline: string | null;
  readonly body: { state: string } | null;
}

interface Detail {
  readonly run: { progress: { what: string } | null };
  readonly result: { status: string; mergeSha: string | null; blockReasons: string[] };
  readonly events: { type: string; createdAt: string }[];
}

/** Asks until it is so; a kernel that is being replaced does not answer for a moment. */
async function eventually<T>(path: string, wanted: (answer: T) => boolean): Promise<T> {
  return await until(async () => {
    const answer = await jarvis.get<T>(path).catch(() => null);
    return answer !== null && wanted(answer) ? answer : null;
  });
}

const settled = async (runId: string, ...statuses: string[]): Promise<Detail> =>
  await eventually<Detail>(`/api/runs/${runId}`, ({ result }) => statuses.includes(result.status));

const kernelOf = async (sha: string | null): Promise<Status> =>
  await eventually<Status>("/api/status", ({ kernel }) => (kernel.release?.sha ?? null) === sha);

const pointer = (): KernelRelease[] =>
  JSON.parse(
    readFileSync(join(stateDir, "releases", "kernel-pointer.json"), "utf8"),
  ) as KernelRelease[];

const change = (name: string): string =>
  repository.patch({ [`lib/${name}.js`]: `export const ${name} = (n) => n;\n` });

const UNDER_WAY = "test/underway.test.js";

function signalUnderWay(signal: "SIGSTOP" | "SIGCONT"): void {
  for (const pid of processesWith(UNDER_WAY)) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended since it was listed.
    }
  }
}

const start = async (): Promise<KernelProgram> => {
  const { directory: repo, launcher: program } = repository;
  return await startKernelProgram({ repo, stateDir, program });
};

beforeAll(async () => {
  repository = tinyJarvis();
  stateDir = join(repository.directory, ".jarvis");
  jarvis = await start();
  await jarvis.post("/api/mode", { mode: "execute", reason: "test" });
  await eventually<Status>("/api/status", ({ body }) => body?.state === "running");
});

afterAll(async () => {
  await jarvis.stop();
  await discardState(stateDir);
  repository.remove();
});

describe("a Jarvis that guards itself", () => {
  let blessed: string;
  let parked: string;
  let slow: string;

  it("goes on from the release that was blessed, when the run under way has come to a boundary", async () => {
    const before = await jarvis.get<Status>("/api/status");
    expect(before.kernel).toMatchObject({ release: null, moving: false, leftOut: [] });
    const first = await jarvis.propose(change("first"));
    await settled(first, "watched");
    // So that nothing but the first is blessed while this is looked at.
    await jarvis.post("/api/self-extension/promotion", { paused: true, reason: "test" });
    slow = await jarvis.propose(slowPatch(repository, "underway", 3000));
    await until(() => (processesWith(UNDER_WAY).length > 0 ? true : null));
    // Again and again: a sandbox that is just being made goes on with processes not seen before.
    const holding = setInterval(() => signalUnderWay("SIGSTOP"), 20);
    onTestFinished(() => clearInterval(holding));
    parked = await jarvis.propose(change("parked"));
    blessed = (await settled(first, "blessed")).result.mergeSha ?? "";
    await eventually<Status>("/api/status", (now) => now.kernel.moving);
    clearInterval(holding);
    signalUnderWay("SIGCONT");
    const { kernel } = await kernelOf(blessed);
    expect(kernel.pid).not.toBe(before.kernel.pid);
    expect(pointer().map(({ sha }) => sha)).toEqual([blessed]);
    expect(await completed("move_kernel")).toEqual([{ sha: blessed }]);
    // What was under way was let end by the kernel before, and is promoted by this one, if it may.
    await settled(parked, "parked");
    const { events } = await settled(slow, "parked");
    const when = (type: string): string[] =>
      events.filter((event) => event.type === type).map(({ createdAt }) => createdAt);
    expect(when("tested").map((at) => at < kernel.startedAt)).toEqual([true]);
    expect(when("promotion_blocked").map((at) => at < kernel.startedAt)).toEqual([false]);
  });

  it("is started again where its kernel is killed, from the same release at the same place", async () => {
    const { kernel } = await jarvis.get<Status>("/api/status");
    process.kill(kernel.pid, "SIGKILL");
    const again = await eventually<Status>("/api/status", (now) => now.kernel.pid !== kernel.pid);
    expect(again.kernel.release).toMatchObject({ sha: blessed });
  });

  it("goes on from the program that it was started with where its release does not come up", async () => {
    const [{ directory, program } = { directory: "", program: "" }] = pointer();
    await jarvis.stop();
    chmodSync(join(directory, program), 0o644);
    writeFileSync(join(directory, program), "process.exit(1);\n");
    jarvis = await start();
    const { kernel } = await kernelOf(null);
    const why = expect.stringContaining("its files are not what they were when it was blessed");
    expect(kernel.leftOut).toEqual([{ sha: blessed, why }]);
    expect(pointer()).toMatchObject([{ sha: blessed, leftOut: { why } }]);
    expect(await completed("leave_kernel_out")).toMatchObject([{ sha: blessed, why }]);
    // It is passed over from now on, and laid out anew where a person has removed the pointer.
    await jarvis.stop();
    rmSync(join(stateDir, "releases", "kernel-pointer.json"));
    jarvis = await start();
    expect((await kernelOf(blessed)).kernel.leftOut).toEqual([]);
  });

  it("takes up what was parked, once it may be promoted", async () => {
    await jarvis.post("/api/self-extension/promotion", { paused: false, reason: "test" });
    const { result } = await settled(parked, "promoted", "watched", "blessed");
    expect(result.mergeSha).toMatch(/^[0-9a-f]{40}$/);
  });

  it("goes back with the baseline, to the program that it was started with", async () => {
    const first = repository.git("rev-parse", "HEAD").trim();
    await jarvis.post("/api/rollback", { reason: "test", to: first });
    await kernelOf(null);
    expect(pointer()).toEqual([]);
  });
});

/** What the actions of a name answered that were completed. */
async function completed(name: string): Promise<unknown[]> {
  const { actions } = await jarvis.get<{
    actions: { actionName: string; state: string; parameters: Record<string, unknown> }[];
  }>("/api/actions?limit=200");
  return actions
    .filter(({ actionName, state }) => actionName === name && state === "completed")
    .map(({ parameters: { sha, why } }) => (why === undefined ? { sha } : { sha, why }));
}
