import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { plainProject, type TestRepository } from "../../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../../testing/pipeline-world.ts";
import { pipelineSteps } from "../pipeline.ts";
import type { PipelineWorld } from "../pipeline-world.ts";
import type { RunResult } from "../run-result.ts";
import { readRunResult } from "../runs.ts";

let world: TestWorld;
let repository: TestRepository;

afterEach(async () => {
  await world.close();
  repository.remove();
});

const passes = "process.exitCode = 0;\n";
const fails = "process.exitCode = 1;\n";
const slowly = "await new Promise((done) => setTimeout(done, 700));\n";

describe("stages that no build lies between", () => {
  it("are reported in the configured order, each as it ended, and run side by side", async () => {
    const result = await verify({ first: slowly + passes, second: passes, third: slowly });
    expect(result).toMatchObject({ status: "promoted", verificationOverallStatus: "passed" });
    expect(statuses(result)).toEqual([
      "first passed",
      "second passed",
      "third passed",
      "tests passed",
    ]);
    const [first, second] = result.verificationDiagnostics;
    const overlap = (second?.startedAt ?? "") < (first?.endedAt ?? "");
    // On one core they take turns.
    expect(overlap).toBe(availableParallelism() > 1);
    for (const { startedAt, endedAt, durationMs } of result.verificationDiagnostics) {
      expect(Date.parse(endedAt) - Date.parse(startedAt)).toBe(durationMs);
    }
  });

  it("are decided by the first in the configured order that fails, though another failed before it", async () => {
    const result = await verify({ first: slowly + fails, second: fails, third: passes });
    expect(statuses(result)).toEqual([
      "first failed",
      "second failed",
      "third passed",
      "tests passed",
    ]);
    expect(result).toMatchObject({
      status: "blocked",
      blockReasons: ["isolated-verification-failed"],
      verificationFailedStage: "first",
    });
    const [first, second] = result.verificationDiagnostics;
    const isSooner = (second?.endedAt ?? "") < (first?.endedAt ?? "");
    expect(isSooner).toBe(availableParallelism() > 1);
  });

  it("blame the change where it fails first, whatever the machine does to a later one", async () => {
    const result = await verify({ first: fails, second: passes, third: passes }, (honest) => ({
      run: async (request) => {
        const ended = await honest.run(request);
        if (!request.argv.includes("second.js")) return ended;
        return { ...ended, outcome: "sandbox-error", message: "no status descriptor" };
      },
    }));
    expect(statuses(result).slice(0, 2)).toEqual(["first failed", "second error"]);
    expect(result).toMatchObject({ status: "blocked", verificationFailedStage: "first" });
  });
});

describe("the kill switch", () => {
  const marker = "86397.375";
  const hangs = [
    `import { spawn } from "node:child_process";`,
    `spawn("sleep", ["${marker}"], { detached: true, stdio: "ignore" }).unref();`,
    `await new Promise((done) => setTimeout(done, 600_000));`,
  ].join("\n");

  it("ends every stage that runs, and those that would be next", async () => {
    const controller = new AbortController();
    const killed = killOnceRunning(Math.min(2, availableParallelism()), controller);
    const result = await verify({ first: hangs, second: hangs, third: hangs }, (honest) => ({
      signal: () => controller.signal,
      run: async (request) => {
        const ended = honest.run(request);
        killed.begun();
        return await ended;
      },
    }));
    expect(result.blockReasons).toEqual(["kill-switch-active"]);
    expect(result.verificationDiagnostics.slice(0, 3).map(({ category }) => category)).toEqual([
      "aborted",
      "aborted",
      "aborted",
    ]);
    expect(commandLines().filter((line) => line.includes(marker))).toEqual([]);
  });

  it("ends a verification that it meets while nothing runs in a sandbox", async () => {
    let controller = new AbortController();
    const result = await verify({ first: passes, second: passes, third: passes }, () => ({
      // As the kernel does it: what begins after the kill gets a signal of its own.
      signal: () => controller.signal,
      progress: (_, what) => {
        if (what !== "verify: first") return;
        controller.abort();
        controller = new AbortController();
      },
    }));
    expect(result.blockReasons).toEqual(["kill-switch-active"]);
  });
});

/** Verifies, and promotes where it passes, a harmless change to a project with three checks and a test. */
async function verify(
  scripts: { first: string; second: string; third: string },
  change: (world: TestWorld) => Partial<PipelineWorld> = () => ({}),
): Promise<RunResult> {
  const names = Object.keys(scripts);
  repository = plainProject({
    ...Object.fromEntries(Object.entries(scripts).map(([name, text]) => [`${name}.js`, text])),
    "jarvis.config.json": JSON.stringify({
      version: 1,
      dependencies: { manager: "none" },
      stages: [
        ...names.map((name) => ({ kind: "check", name, argv: ["node", `${name}.js`] })),
        {
          kind: "test",
          name: "tests",
          runner: "node-test",
          argv: ["node", "--test"],
          tests: ["test/*.test.js"],
        },
      ],
    }),
  });
  world = await makeTestWorld(repository);
  const changed = { ...world, ...change(world) };
  const steps = pipelineSteps(() => changed);
  const runId = await world.submit(repository.patch({ "src/more.js": "export const more = 1;\n" }));
  const { stagedSha } = await steps.stage(runId, 1);
  const { passed } = await steps.verify(runId, stagedSha ?? "");
  if (passed) await steps.promote(runId, stagedSha ?? "", 1);
  const result = await readRunResult(world.db, runId);
  if (result === null) throw new Error(`run ${runId} is gone`);
  return result;
}

/** Aborts when so many sandboxes are under way and had time to start their program. */
function killOnceRunning(count: number, controller: AbortController): { begun: () => void } {
  let begun = 0;
  return {
    begun: () => {
      begun += 1;
      if (begun === count) setTimeout(() => controller.abort(), 400);
    },
  };
}

function statuses(result: RunResult): string[] {
  return result.verificationDiagnostics.map(({ name, status }) => `${name} ${status}`);
}

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    });
}
