import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultBodyLimits } from "./kernel/body/body-limits.ts";
import { sandboxesOf, until } from "./testing/kernel-program.ts";
import { startLivingWorld, type KernelWorld } from "./testing/kernel-world.ts";
import { pushFromOutside } from "./testing/push-from-outside.ts";

let world: KernelWorld;

const servedSha = (): string => world.pointer("serving").sha;

async function answered(): Promise<unknown> {
  return await until(
    async () =>
      await world.kernel.post("/api/tools/double/call", { input: { n: 21 } }).catch(() => null),
  );
}

async function blessed(name: string, more: Record<string, string> = {}): Promise<string> {
  const file = { [`lib/${name}.js`]: `export const ${name} = 1;\n` };
  const patch = world.repository.patch({ ...file, ...more });
  const runId = await world.kernel.propose(patch);
  await world.settled(runId, "blessed");
  return runId;
}

/**
 * A program that ends every sandbox that a kernel begins, before it can come up. It looks every millisecond and sleeps
 * between: on a busy machine one that never sleeps waits for its turn for as long as a body needs.
 */
const ending = `
  const { readFileSync } = require("node:fs");
  const [kernel] = process.argv.slice(1);
  const children = () => {
    try {
      return readFileSync("/proc/" + kernel + "/task/" + kernel + "/children", "utf8").trim().split(" ");
    } catch {
      return []; // The kernel has ended.
    }
  };
  const before = new Set(children());
  const pause = new Int32Array(new SharedArrayBuffer(4));
  console.log("looking");
  for (;;) {
    for (const pid of children()) {
      if (pid === "" || before.has(pid)) continue;
      try {
        if (readFileSync("/proc/" + pid + "/cmdline", "utf8").includes("bwrap")) process.kill(Number(pid), "SIGKILL");
      } catch {}
    }
    Atomics.wait(pause, 0, 0, 1);
  }`;

/** While it works no new body comes up, as on a machine without memory. */
async function withoutNewBodies<T>(work: () => Promise<T>): Promise<T> {
  const killer = spawn(process.execPath, ["-e", ending, String(world.kernel.pid)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(killer.stdout, "data");
    return await work();
  } finally {
    killer.kill("SIGKILL");
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

beforeAll(async () => {
  world = await startLivingWorld();
  await answered();
});

afterAll(async () => await world.close());

describe("what serves", () => {
  it("goes on where the release before it does not come up, and is gone back from when it does", async () => {
    const first = servedSha();
    const runId = await blessed("second");
    const second = servedSha();
    const order = async (): Promise<{ fromSha: string; toSha: string }> =>
      await world.kernel.post("/api/rollback", { reason: "not what we want" });
    await withoutNewBodies(async () => await expect(order()).rejects.toThrow(second));
    expect(servedSha()).toBe(second);
    expect(await answered()).toEqual({ output: 42 });
    expect(sandboxesOf(world.kernel.pid)).toHaveLength(1);

    expect(await order()).toEqual({ fromSha: second, toSha: first });
    expect(servedSha()).toBe(first);
    expect(await answered()).toEqual({ output: 42 });
    const { events } = await world.settled(runId, "rolled-back");
    const ways = events.slice(-4).map(({ type, payload }) => [type, payload["attempt"]]);
    expect(ways).toEqual([
      ["rollback_started", 1],
      ["rollback_failed", 1],
      ["rollback_started", 2],
      ["rolled_back", 2],
    ]);
    await world.settled(String(events.at(-1)?.payload["rollbackRunId"]), "promoted", "blessed");
  });

  it("is gone back from by the next kernel where this one died in the middle of it", async () => {
    const { releaseDigest } = world.pointer("serving");
    const runId = await blessed("blamed");
    await withoutNewBodies(async () => {
      const order = world.kernel.post("/api/rollback", { reason: "test" }).catch(() => null);
      await until(async () => {
        const { result } = await world.run(runId);
        return result.status === "rolling-back" ? true : null;
      });
      await world.kernel.kill();
      await order;
    });
    await world.startAgain();
    await world.settled(runId, "rolled-back");
    // Under another commit once the change was taken back on the base as well.
    expect(world.pointer("serving")).toMatchObject({ releaseDigest });
    expect(await answered()).toEqual({ output: 42 });
  });

  it("is judged all the same where its window stood still for a moment", async () => {
    // A body that does not end when it is told to takes a while to be ended.
    const deaf = "process.exit = () => undefined;\nexport const double = (n) => n * 2;\n";
    await blessed("deaf", { "lib/double.js": deaf });
    const runId = await world.kernel.propose(
      world.repository.patch({ "lib/still.js": "export const still = 1;\n" }),
    );
    await world.settled(runId, "watched");
    await world.setMode("observe");
    await world.setMode("execute");
    const { events } = await world.settled(runId, "blessed");
    expect(events.map(({ type }) => type)).toContain("health_window_passed");
  });

  it("is begun again by itself when it gave up and there is nothing to go back to", async () => {
    const ended = new Set<number>();
    await until(async () => {
      for (const pid of sandboxesOf(world.kernel.pid)) {
        // One by one, as often as it is begun again by its keeper.
        if (ended.size < defaultBodyLimits.crashes) kill(pid);
        ended.add(pid);
      }
      return ended.size > defaultBodyLimits.crashes ? true : null;
    });
    expect(await answered()).toEqual({ output: 42 });
  });
});

it("a change is judged by the next kernel also where the base moved on meanwhile", async () => {
  const runId = await world.kernel.propose(
    world.repository.patch({ "lib/third.js": "export const third = 1;\n" }),
  );
  await world.settled(runId, "watched");
  // Its window stands still, so it cannot end before the kernel does.
  await world.setMode("observe");
  await pushFromOutside(world.stateDir, "lib/outside.js", "export const outside = 1;\n");
  await world.kernel.kill();
  await world.startAgain();
  await world.setMode("execute");
  const { events } = await world.settled(runId, "blessed");
  expect(events.map(({ type }) => type)).toContain("health_window_passed");
});
