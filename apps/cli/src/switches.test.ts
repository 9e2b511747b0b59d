import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lockStateDirectory, openDatabase } from "@jarvis/db";
import {
  ActionExecutor,
  ActionRegistry,
  SafetyController,
  SessionRiskTracker,
} from "@jarvis/operator-core";
import { isRunning, parentOf, processesWith } from "@jarvis/sandbox/testing";
import { plainFiles } from "@jarvis/tools/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { killAndWait, makeWorld, type Ended, type World } from "./testing/world.ts";

let world: World;
let first: Ended;

beforeAll(async () => {
  world = makeWorld(plainFiles);
  // From nothing: the command line makes the database cluster, as on a fresh machine.
  first = await world.jarvis(["up", "--once", "--port", "0", "--json"]);
});

afterAll(async () => {
  await world.discard();
});

it("the first start makes everything, says that it is ready, and ends in order", () => {
  expect(first).toMatchObject({ code: 0 });
  expect(JSON.parse(first.stdout)).toMatchObject({ ready: true });
});

/** The command line without a way to its kernel, which is as deaf as one that is too busy. */
const deaf = {
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(
    `if (process.argv[1].endsWith("cli/dist/main.js")) globalThis.fetch = async () => { throw new TypeError("deaf"); };`,
  )}`,
};

describe("`up`", () => {
  it("says with --once that it came up and is gone again, and names no next step for it", async () => {
    const { code, stdout } = await world.jarvis(["up", "--once", "--port", "0"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Jarvis came up at .* stopped again/);
    expect(stdout).not.toMatch(/^Next:/m);
  });

  it("ends with --once also where the kernel that came up does not answer, and says so", async () => {
    const { code, stderr } = await world.jarvis(["up", "--once", "--port", "0"], { env: deaf });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringMatching(/^jarvis: The kernel at .* does not answer/m),
    });
  });

  it("goes on where the kernel that came up does not answer, and says so", async () => {
    const up = world.start(["up", "--port", "0"], { env: deaf });
    expect(await up.firstError).toMatch(/^jarvis: Jarvis runs at .* does not answer/);
    process.kill(up.pid, "SIGTERM");
    expect((await up.ended).code).toBe(0);
  });

  it("prints one document also where its launcher ends without a word", async () => {
    const up = world.start(["up", "--json", "--port", "0"]);
    const launcher = (): number | undefined =>
      processesWith(world.stateDir).find((pid) => parentOf(pid) === up.pid);
    while (launcher() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(launcher() ?? 0, "SIGKILL");
    const { code, stdout } = await up.ended;
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "kernel-not-started" } });
    await nothingIsLeftOf(up.pid);
  });
});

/** Of a kernel that was started: whatever was killed, none of its processes goes on running. */
async function nothingIsLeftOf(...pids: number[]): Promise<void> {
  const left = (): number[] => [...pids, ...processesWith(world.stateDir)].filter(isRunning);
  while (left().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Sets every switch and reads it back, the way an operator does when nothing answers. */
async function everySwitchWorks(): Promise<void> {
  const ask = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await world.jarvis([...args, "--json"]);
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  expect(await ask("pause", "--reason", "look")).toMatchObject({
    paused: true,
    acknowledged: true,
  });
  expect(await ask("status")).toMatchObject({
    kernel: null,
    promotion: { paused: true, reason: "look" },
  });
  expect(await ask("resume")).toMatchObject({ paused: false });
  expect(await ask("mode", "execute", "--reason", "go")).toEqual({ mode: "execute" });
  expect(await ask("status")).toMatchObject({
    safety: { mode: "execute" },
    promotion: { paused: false },
  });
  await ask("runs");
  await ask("events");
  expect(await ask("kill", "--reason", "stop")).toMatchObject({ cancelledCount: 0 });
  expect(await ask("status")).toMatchObject({ safety: { mode: "observe", reason: "stop" } });
}

describe("the switches work", () => {
  it("without a kernel, and what needs one ends 3", async () => {
    await everySwitchWorks();
    const ended = await world.jarvis(["propose", "--patch", "-", "--json"], {
      input: "diff --git a/x b/x\n",
    });
    expect(ended.code).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: "kernel-not-running" } });
  });

  it("and the kill switch does not ask how long its reason is", async () => {
    const reason = "why ".repeat(5_000);
    const killed = await world.jarvis(["kill", "--reason", reason, "--json"]);
    expect(killed).toMatchObject({ code: 0, stderr: "" });
    const status = await world.jarvis(["status", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({
      safety: { mode: "observe", killSwitch: true, reason: expect.stringMatching(/^why .*…$/) },
    });
  });

  it("and what a kill means, and what ends it, is the first thing that status says", async () => {
    await world.jarvis(["kill", "--reason", "smoke"]);
    const { stdout } = await world.jarvis(["status"]);
    expect(stdout).toMatch(
      /^mode {7}KILLED by .*: smoke \(nothing is tested.*`jarvis mode observe --reason TEXT` ends it\)$/m,
    );
  });

  it("and the kill switch cancels what was pending, and says how much", async () => {
    const database = await openDatabase({ stateDirectory: world.stateDir });
    const executor = new ActionExecutor({
      db: database.db,
      registry: new ActionRegistry(),
      policy: { rules: [], protectedPaths: [] },
      safety: new SafetyController(database.db),
      sessions: new SessionRiskTracker(),
    });
    const requester = { kind: "agent", name: "jarvis" } as const;
    const request = { parameters: {}, reason: "a test", requester, agentId: null, sessionId: "s" };
    for (const actionName of ["one", "two"]) await executor.propose({ ...request, actionName });
    await database.close({ stopServer: true });
    const killed = await world.jarvis(["kill", "--reason", "stop", "--json"]);
    expect(JSON.parse(killed.stdout)).toMatchObject({
      cancelledCount: 2,
      stopped: ["one", "two"].map((name) => ({ kind: "action", name, was: "pending" })),
    });
    const listed = await world.jarvis(["actions", "--state", "cancelled", "--json"]);
    expect(JSON.parse(listed.stdout)).toHaveLength(2);
    const audited = await world.jarvis(["audit", "--type", "kill_switch", "--json"]);
    expect((JSON.parse(audited.stdout) as object[]).at(-1)).toMatchObject({
      actor: "user",
      eventData: { cancelledCount: 2, pending: 2, reason: "stop" },
    });
  });

  it("after kill -9 of the kernel, once its launcher has started another; with the launcher everything ends", async () => {
    const up = await world.up();
    await killAndWait(up.kernelPid);
    const again = await world.otherKernel(up.kernelPid);
    const paused = await world.jarvis(["pause", "--reason", "after the crash", "--json"]);
    expect(paused).toMatchObject({ code: 0, stderr: "" });
    const status = await world.jarvis(["status", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({
      kernel: { pid: again },
      promotion: { paused: true, reason: "after the crash" },
    });
    // And then its launcher is hit, which starts no other.
    const launcher = parentOf(again);
    await killAndWait(launcher);
    const { code, stderr } = await up.ended;
    expect(code).toBe(3);
    expect(stderr).toContain("ended (SIGKILL) and is started again");
    expect(stderr).toContain("The launcher was ended by SIGKILL, and the kernel with it");
    await nothingIsLeftOf(up.pid, launcher, again);
  });

  it("after kill -9 of `up`, its launcher and the kernel, whose address is still written down", async () => {
    const up = await world.up();
    const launcher = parentOf(up.kernelPid);
    // One that stands still starts no other kernel meanwhile.
    process.kill(launcher, "SIGSTOP");
    await killAndWait(up.kernelPid);
    await killAndWait(up.pid);
    await killAndWait(launcher);
    const paused = await world.jarvis(["pause", "--reason", "after the crash", "--json"]);
    expect(paused).toMatchObject({ code: 0, stderr: "" });
    const status = await world.jarvis(["status", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({ kernel: null, silentKernel: null });
  });

  it("while a kernel does not answer: it is named, and the kill switch ends it from outside", async () => {
    // After a kill switch nothing is even tested until somebody sets a mode.
    await world.jarvis(["mode", "observe", "--reason", "again"]);
    const up = await world.up();
    const sleeper = `import test from "node:test";\ntest("sleeps", () => new Promise((done) => setTimeout(done, 60_000)));\n`;
    const input = world.patch({ "src/x.js": "", "test/sleeper.test.js": sleeper });
    await world.jarvis(["propose", "--patch", "-"], { input });
    const sandboxed = (): number[] => processesWith("test/sleeper.test.js");
    while (sandboxed().length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    process.kill(up.kernelPid, "SIGSTOP");
    try {
      const paused = await world.jarvis(["pause", "--reason", "wedged", "--json"]);
      expect(paused.code).toBe(0);
      const status = await world.jarvis(["status", "--json"]);
      expect(JSON.parse(status.stdout)).toMatchObject({
        silentKernel: up.kernelPid,
        promotion: { paused: true, reason: "wedged" },
      });
      const mode = await world.jarvis(["mode", "execute", "--reason", "go", "--json"]);
      expect(JSON.parse(mode.stdout)).toEqual({ mode: "execute" });
      const doctor = await world.jarvis(["doctor", "--json"]);
      expect(doctor.code).toBe(1);
      expect(JSON.parse(doctor.stdout)).toMatchObject({
        findings: expect.arrayContaining([
          expect.objectContaining({
            name: "kernel",
            ok: false,
            mend: expect.stringMatching(/^jarvis kill/),
          }),
        ]),
      });
      expect(isRunning(up.kernelPid)).toBe(true);
      const killed = await world.jarvis(["kill", "--reason", "wedged", "--json"]);
      expect(JSON.parse(killed.stdout)).toMatchObject({
        cancelledCount: 1,
        stopped: [{ kind: "process", name: `a sandbox of kernel ${up.kernelPid}` }],
      });
      expect(isRunning(up.kernelPid)).toBe(false);
      expect(sandboxed()).toEqual([]);
    } finally {
      if (isRunning(up.kernelPid)) process.kill(up.kernelPid, "SIGKILL");
    }
    // The launcher starts another, which answers and, after a kill, does nothing else.
    const again = await world.otherKernel(up.kernelPid);
    const status = await world.jarvis(["status", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({
      kernel: { pid: again },
      safety: { mode: "observe", reason: "wedged" },
    });
    expect(sandboxed()).toEqual([]);
    process.kill(up.pid, "SIGTERM");
    expect((await up.ended).code).toBe(0);
  });

  it("also where the database cannot be reached: the kernel is ended, and the command says what is missing", async () => {
    const up = await world.up();
    process.kill(up.kernelPid, "SIGSTOP");
    try {
      const env = { DATABASE_URL: "postgresql://nobody:x@127.0.0.1:1/jarvis" };
      const killed = await world.jarvis(["kill", "--reason", "wedged", "--json"], { env });
      expect(killed.code).toBe(3);
      expect(JSON.parse(killed.stdout)).toMatchObject({
        error: {
          code: "kill-switch-incomplete",
          message: expect.stringMatching(`process ${up.kernelPid}.*run jarvis kill again`),
        },
      });
      expect(isRunning(up.kernelPid)).toBe(false);
    } finally {
      if (isRunning(up.kernelPid)) process.kill(up.kernelPid, "SIGKILL");
    }
    await world.otherKernel(up.kernelPid);
    process.kill(up.pid, "SIGTERM");
    expect((await up.ended).code).toBe(0);
  });

  it("past a restore, which is waited for and taken for no kernel", async () => {
    const holder = { pid: process.pid, what: "jarvis restore" };
    const lock = lockStateDirectory(world.stateDir, holder);
    const asked = world.jarvis(["status", "--json"]);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    lock.release();
    expect(JSON.parse((await asked).stdout)).toMatchObject({ kernel: null, silentKernel: null });
  });

  it("asked for by two at the same time", async () => {
    const both = await Promise.all([
      world.jarvis(["pause", "--reason", "one", "--json"]),
      world.jarvis(["pause", "--reason", "two", "--json"]),
    ]);
    for (const { code, stderr } of both) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("and `up` waits for a switch that is being set; with `up` everything ends", async () => {
    const [switched, up] = await Promise.all([world.jarvis(["resume", "--json"]), world.up()]);
    expect(switched.code).toBe(0);
    const launcher = parentOf(up.kernelPid);
    await killAndWait(up.pid);
    await nothingIsLeftOf(up.pid, launcher, up.kernelPid);
  });
});

it("a kernel that is still starting is waited for, and not called silent", async () => {
  const holder = (): string => readFileSync(join(world.stateDir, "lock"), "utf8");
  const before = holder();
  const up = world.start(["up", "--json", "--port", "0"]);
  while (holder() === before) await new Promise((resolve) => setTimeout(resolve, 10));
  const status = await world.jarvis(["status", "--json"]);
  const { pid } = JSON.parse((await up.firstLine) ?? "{}") as { pid?: number };
  expect(JSON.parse(status.stdout)).toMatchObject({ kernel: { pid } });
  process.kill(up.pid, "SIGTERM");
  await up.ended;
});

it("a reading command makes no state where there is none", async () => {
  const fresh = makeWorld(plainFiles);
  const ended = await fresh.jarvis(["status", "--json"]);
  expect(ended.code).toBe(3);
  expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: "no-state" } });
  expect(fresh.git("status", "--porcelain", "--ignored")).toBe("");
  await fresh.discard();
});
