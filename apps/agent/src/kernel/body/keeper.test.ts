import { readFileSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killAllSandboxes } from "@jarvis/sandbox";
import { isRunning } from "@jarvis/sandbox/testing";
import { describe, expect, it } from "vitest";
import { releaseOfScript } from "../../testing/body-release.ts";
import { keepForTest, keepMisbehaving } from "../../testing/kept-body.ts";
import type { AskOutcome } from "./requests.ts";

const once = { crashes: 1 };
const second = 1000;

describe("a body that is well", () => {
  it("starts, beats, is measured, answers and stops when it is told to", async () => {
    const { keeper, seen, until } = keepMisbehaving("well");
    expect(await keeper.ready()).toBe(true);
    expect(keeper.tools.map(({ name }) => name)).toEqual(["echo", "look"]);
    expect(await keeper.perform("echo", { a: [1] })).toMatchObject({
      ok: true,
      output: { a: [1] },
    });
    expect((await until("started")).startedInMs).toBeLessThan(2 * second);
    await until("heartbeat");
    expect((await until("memory")).bytes).toBeGreaterThan(2 ** 20);

    const { pid } = keeper;
    await keeper.stop();
    expect(isRunning(pid)).toBe(false);
    expect([keeper.state, keeper.pid, seen("exited")]).toEqual(["stopped", null, []]);
    expect(await keeper.perform("echo", 1)).toMatchObject({ error: { code: "not-running" } });
    expect(await keeper.ready()).toBe(false);
  });

  it("asks, reports and proposes; what the kernel answers reaches it", async () => {
    const asked: unknown[] = [];
    const { reports, until, signals } = keepMisbehaving("asks", {
      requests: {
        ask: async (ask): Promise<AskOutcome> => {
          asked.push(ask);
          return { outcome: "completed", output: "granted" };
        },
        propose: async (proposal) => {
          asked.push(proposal);
          return { outcome: "refused", reason: "not now" };
        },
      },
    });
    expect((await until("cycle")).outcome).toBe("completed");
    while (reports.length < 2) await sleep(10);
    expect(asked).toEqual([
      { tool: "echo", input: "please", goalId: "goal" },
      { patch: "diff", title: "Better" },
    ]);
    expect(reports.map(({ text }) => JSON.parse(text) as unknown)).toEqual([
      { type: "answer", id: 1, ok: true, output: "granted" },
      { type: "answer", id: 2, ok: false, error: { code: "refused", message: "not now" } },
    ]);
    expect(signals.some(({ kind }) => kind === "protocol-violation")).toBe(false);
  });

  it.each<[string, () => Promise<AskOutcome>, string | undefined]>([
    ["a refusal is no error", async () => ({ outcome: "refused", reason: "no" }), "refused"],
    ["a failure is one", async () => ({ outcome: "failed", reason: "broke" }), "error"],
    ["the kernel's own trouble is none", async () => await Promise.reject(new Error()), undefined],
  ])("a cycle: %s", async (_what, ask, outcome) => {
    const { reports, seen } = keepMisbehaving("asks", { requests: { ask } });
    while (reports.length < 2) await sleep(10);
    expect(seen("cycle").map((cycle) => cycle.outcome)).toEqual(
      outcome === undefined ? [] : [outcome],
    );
  });
});

describe("a body that misbehaves", () => {
  it.each([
    ["exits", "exited", "exit code 3"],
    ["floods", "protocol-violation", "no message"],
    ["never-ends-a-line", "protocol-violation", "more than it may"],
    ["garbage", "protocol-violation", "no message"],
    ["answers-what-nobody-asked", "protocol-violation", "nobody asked"],
    ["asks-too-much", "protocol-violation", "more requests"],
    ["beats-too-often", "protocol-violation", "more heartbeats"],
  ])("%s: it is ended and said why, within bounded time", async (behaviour, reason, detail) => {
    const { keeper, until } = keepMisbehaving(behaviour, {
      limits: { ...once, requests: 8 },
      requests: { ask: async () => await new Promise(() => undefined) },
    });
    const exited = await until("exited");
    expect(exited).toMatchObject({ reason, detail: expect.stringContaining(detail) });
    const began = (await until("started")).at.monotonicMs;
    expect(exited.at.monotonicMs - began).toBeLessThan(2 * second);
    await until("gave-up");
    expect(keeper.pid).toBeNull();
    expect(await keeper.ready()).toBe(false);
  });

  it.each([
    ["never-ready", 700, "not-ready"],
    ["speaks-another-version", 10_000, "wrong-protocol"],
  ])("%s: it does not start", async (behaviour, startMs, reason) => {
    const { keeper, until } = keepMisbehaving(behaviour, { limits: { ...once, startMs } });
    expect(await until("start-failed")).toMatchObject({ reason });
    expect(await keeper.ready()).toBe(false);
    expect(keeper.state).toBe("gave-up");
  });

  it("does not beat any more: it is called late, and then ended", async () => {
    const { until } = keepMisbehaving("loses-heart", {
      limits: { ...once, heartbeatLateMs: 400, heartbeatGoneMs: 900 },
    });
    const late = await until("heartbeat-late");
    expect(late.silentMs).toBeGreaterThan(400);
    expect(await until("exited")).toMatchObject({ reason: "heartbeat-lost" });
  });

  it("is stopped by a signal: its silence is noticed, and it is killed all the same", async () => {
    const { keeper, until } = keepMisbehaving("well", {
      limits: { ...once, heartbeatLateMs: 400, heartbeatGoneMs: 900 },
    });
    await keeper.ready();
    const { pid } = keeper;
    const inside = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    process.kill(Number(inside), "SIGSTOP");
    expect(await until("exited")).toMatchObject({ reason: "heartbeat-lost" });
    expect(isRunning(Number(inside))).toBe(false);
  });

  it("is not called silent when it was the kernel that did not listen", async () => {
    const { keeper, seen, until } = keepMisbehaving("well", {
      limits: { heartbeatLateMs: 400, heartbeatGoneMs: 1500 },
    });
    await keeper.ready();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1700);
    await until("observer-gap");
    expect(await keeper.perform("echo", 1)).toMatchObject({ ok: true });
    expect(Math.max(...seen("observer-gap").map(({ gapMs }) => gapMs))).toBeGreaterThan(1500);
    expect(seen("exited")).toEqual([]);
  });

  it("asks for much at once: it is served no faster than it may be, and in order", async () => {
    const served: { text: string; atMs: number }[] = [];
    const { seen } = keepMisbehaving("reports-often", {
      limits: { requestsPerSecond: 8 },
      requests: {
        report: async ({ text }) => void served.push({ text, atMs: performance.now() }),
      },
    });
    while (served.length < 10) await sleep(10);
    expect(served.map(({ text }) => text)).toEqual([..."0123456789"]);
    // A second's worth at once, and then an eighth of a second for each.
    expect((served[9]?.atMs ?? 0) - (served[7]?.atMs ?? 0)).toBeGreaterThan(100);
    expect(seen("protocol-violation")).toEqual([]);
  });

  it("ignores that it shall stop: it is killed", async () => {
    const { keeper } = keepMisbehaving("ignores-stop");
    await keeper.ready();
    const { pid } = keeper;
    const toldAt = performance.now();
    await keeper.stop();
    expect(performance.now() - toldAt).toBeGreaterThan(250);
    expect(performance.now() - toldAt).toBeLessThan(2 * second);
    expect(isRunning(pid)).toBe(false);
  });

  it("leaks: it is seen to grow, and is ended at its limit", async () => {
    const { until, seen } = keepMisbehaving("leaks", {
      limits: { ...once, memoryBytes: 256 * 2 ** 20 },
    });
    const exited = await until("exited");
    // Node aborts where an allocation fails; where the watch is faster, the sandbox ends it.
    expect(["memory", "exited"]).toContain(exited.reason);
    const [first, ...later] = seen("memory").map(({ bytes }) => bytes);
    expect(Math.max(...later)).toBeGreaterThan((first ?? 0) + 50 * 2 ** 20);
  });

  it("answers late: the caller is told in time, and a late answer is no violation", async () => {
    const { keeper, seen } = keepMisbehaving("answers-late");
    await keeper.ready();
    const late = await keeper.perform("echo", 1, { timeoutMs: 100 });
    expect(late).toMatchObject({ ok: false, by: "kernel", error: { code: "late" } });
    expect(late.latencyMs).toBeLessThan(2 * second);
    expect(await keeper.perform("echo", 2)).toMatchObject({ ok: true, output: 2 });
    expect(seen("protocol-violation")).toEqual([]);
  });

  it("says that it is unwell: its own word counts against it", async () => {
    const { until } = keepMisbehaving("admits-errors");
    expect(await until("self-report")).toMatchObject({ status: "unwell" });
  });
});

describe("without what it needs", () => {
  it("is started nowhere where there is no sandbox, and tried again without giving up", async () => {
    const tried: number[] = [];
    const { keeper, seen } = keepMisbehaving("well", {
      limits: { ...once, longestPauseMs: 10 },
      run: async () => {
        tried.push(performance.now());
        return { started: false, reason: "sandbox-unavailable", message: "Install bubblewrap." };
      },
    });
    while (tried.length < 3) await sleep(10);
    expect(keeper.pid).toBeNull();
    expect(seen("start-failed")[0]).toMatchObject({
      reason: "sandbox-unavailable",
      detail: "Install bubblewrap.",
    });
    expect([seen("gave-up"), seen("started")]).toEqual([[], []]);
  });

  it("does not start on dependencies of the change's own making", async () => {
    const release = releaseOfScript();
    const modules = join(release.directory, "node_modules");
    renameSync(modules, `${modules}-mine`);
    symlinkSync("node_modules-mine", modules);
    const argv = ["node", "body.mjs", "well"];
    const { keeper, until } = keepForTest({ release, argv, limits: once });
    expect(await until("start-failed")).toMatchObject({
      reason: "sandbox",
      detail: expect.stringContaining("found a symbolic link"),
    });
    expect(keeper.state).toBe("gave-up");
  });
});

describe("keeping it", () => {
  it("can begin with it suspended", async () => {
    const { keeper, seen } = keepMisbehaving("well", {
      suspended: { by: "ada", reason: "kill-switch" },
    });
    expect([keeper.state, await keeper.ready(), keeper.pid]).toEqual(["suspended", false, null]);
    keeper.resume();
    expect(await keeper.ready()).toBe(true);
    expect([seen("suspended").length, seen("resumed").length]).toEqual([1, 1]);
  });

  it("begins it again after a crash, and gives up when that does not help", async () => {
    const { keeper, seen, until } = keepMisbehaving("exits", { limits: { crashes: 3 } });
    expect(await until("gave-up")).toMatchObject({ crashes: 3 });
    expect([seen("started").length, seen("exited").length]).toEqual([3, 3]);
    keeper.resume();
    while (seen("started").length < 4) await sleep(10);
  });

  it("settles a call when the body dies under it", async () => {
    const { keeper } = keepMisbehaving("answers-late");
    await keeper.ready();
    const asked = keeper.perform("echo", 1);
    process.kill(keeper.pid ?? 0, "SIGKILL");
    expect(await asked).toMatchObject({ ok: false, error: { code: "body-gone" } });
    expect(await keeper.ready()).toBe(true);
  });

  it("gives up a call when its caller does", async () => {
    const { keeper } = keepMisbehaving("answers-late");
    await keeper.ready();
    expect(await keeper.perform("echo", 1, { signal: AbortSignal.timeout(20) })).toMatchObject({
      error: { code: "withdrawn" },
    });
  });

  it("suspends it until it is resumed, by a new process", async () => {
    const { keeper, seen, until } = keepMisbehaving("well");
    await keeper.ready();
    const { pid } = keeper;
    await keeper.suspend({ by: "ada", reason: "observe-only" });
    expect(isRunning(pid)).toBe(false);
    expect(await until("suspended")).toMatchObject({ suspension: { by: "ada" } });
    expect([keeper.state, await keeper.ready()]).toEqual(["suspended", false]);

    keeper.resume();
    expect(await keeper.ready()).toBe(true);
    expect(keeper.pid).not.toBe(pid);
    expect(seen("resumed")).toHaveLength(1);
    expect(seen("exited")).toEqual([]);
  });

  it("can be suspended while it starts", async () => {
    const { keeper, seen } = keepMisbehaving("well");
    await keeper.suspend({ by: "ada", reason: "operator-stop" });
    expect([keeper.state, seen("started"), seen("exited")]).toEqual(["suspended", [], []]);
  });

  it("leaves it ended after the kill switch", async () => {
    const { keeper, until, seen } = keepMisbehaving("well");
    await keeper.ready();
    expect(await killAllSandboxes()).toBe(1);
    expect(await until("suspended")).toMatchObject({ suspension: { reason: "kill-switch" } });
    await sleep(100);
    expect([keeper.state, keeper.pid, seen("exited")]).toEqual(["suspended", null, []]);
  });
});
