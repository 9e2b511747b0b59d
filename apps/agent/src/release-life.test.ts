import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isRunning } from "@jarvis/sandbox/testing";
import type * as Body from "@jarvis/tools/body";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  discardState,
  sandboxesOf,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { makeLiving, tiresAfter } from "./testing/living-project.ts";
import { plainProject, type TestRepository } from "./testing/repository.ts";

let repository: TestRepository;
let kernel: KernelProgram;
let stateDir: string;
// As it was built: its tools run as programs of their own.
const { KernelOrder, loadBodyTools } = (await import(
  new URL("../../../packages/tools/dist/body-tools.js", import.meta.url).href
)) as typeof Body;
let tools: Body.BodyTools;

interface Detail {
  readonly result: { status: string; rollbackRunId: string | null; blockReasons: string[] };
  readonly events: {
    type: string;
    payload: Record<string, unknown>;
    context: Record<string, unknown>;
  }[];
}

const detail = async (runId: string): Promise<Detail> =>
  await kernel.get<Detail>(`/api/runs/${runId}`);

const pointer = (name: "serving" | "baseline"): { releaseDigest: string; sha: string } => {
  const value = JSON.parse(
    readFileSync(join(stateDir, "releases", `${name}.json`), "utf8"),
  ) as Record<string, unknown>;
  return (value["current"] ?? value) as { releaseDigest: string; sha: string };
};

async function settled(runId: string, ...wanted: string[]): Promise<Detail> {
  return await until(async () => {
    // A revert is recorded a moment after the rollback that names it.
    const found = await detail(runId).catch(() => null);
    return found !== null && wanted.includes(found.result.status) ? found : null;
  });
}

/** A baseline is there before the body that serves it has started, which refuses calls until then. */
async function bodyIsUp(): Promise<void> {
  await until(async () => {
    const { body } = await kernel.get<{ body: { state: string } }>("/api/status");
    return body.state === "running" ? true : null;
  });
}

async function pause(paused: boolean): Promise<void> {
  await kernel.post("/api/self-extension/promotion", { paused, reason: "test" });
}

/** What a built-in tool proposes, asked for by the body that runs: the run that came of it. */
async function asBody(tool: string, input: object): Promise<string> {
  const order = KernelOrder.fromMessage({ type: "perform", tool, input });
  const answer = await tools.carryOut(order, {
    signal: new AbortController().signal,
    async call(asked, given) {
      const relayed = { input: { tool: asked, input: given } };
      return (await kernel.post<{ output: unknown }>("/api/tools/relay/call", relayed)).output;
    },
  });
  return (answer as { runId: string }).runId;
}

beforeAll(async () => {
  repository = plainProject();
  makeLiving(repository);
  stateDir = join(repository.directory, ".jarvis");
  kernel = await startKernelProgram({ repo: repository.directory, stateDir });
  tools = await loadBodyTools();
  await kernel.post("/api/mode", { mode: "execute", reason: "test" });
  await until(() => {
    try {
      return pointer("baseline");
    } catch {
      return null;
    }
  });
  await bodyIsUp();
});

afterAll(async () => {
  tools.end();
  await kernel.stop();
  await discardState(stateDir);
  repository.remove();
});

describe("what was promoted runs", () => {
  it("and is blessed when its window shows it healthy: a tool authored at run time, held by the pause like any change", async () => {
    const before = pointer("baseline");
    await pause(true);
    const runId = await asBody("tool-write", {
      name: "triple",
      source: "export const triple = (n) => n * 3;\n",
      test: "export {};\n",
      examples: "{}",
      reason: "Triples",
    });
    const held = await settled(runId, "parked");
    expect(held.result.blockReasons).toEqual(["promotion-paused"]);
    expect(held.events[0]?.context).toMatchObject({ actor: "body", actorSource: "agent" });
    expect(held.events.map(({ type }) => type)).toContain("tested");
    await pause(false);
    const { events } = await settled(runId, "blessed");
    expect(events.map(({ type }) => type).slice(-4)).toEqual([
      "promoted",
      "health_window_started",
      "health_window_passed",
      "baseline_blessed",
    ]);
    expect(pointer("baseline").releaseDigest).not.toBe(before.releaseDigest);
    expect(pointer("serving").releaseDigest).toBe(pointer("baseline").releaseDigest);
    expect(await kernel.post("/api/tools/double/call", { input: { n: 21 } })).toEqual({
      output: 42,
    });
  });

  it("is changed or taken away by a body through the same gate, which says no", async () => {
    const about = { name: "triple", reason: "Otherwise" };
    const hidden = asBody("builtin-modify", { ...about, source: "// \u202e\nexport {};\n" });
    await expect(hidden).rejects.toThrow("control or bidirectional control characters");
    // With its test goes what judged it: a person's to decide.
    const gone = await settled(await asBody("tool-delete", about), "parked");
    expect(gone.result.blockReasons).toContain("evaluator-changed");
    await expect(asBody("tool-delete", { ...about, name: "no-such" })).rejects.toThrow(
      "is not there",
    );
  });

  it("and does nothing while Jarvis only observes", async () => {
    await kernel.post("/api/mode", { mode: "observe", reason: "test" });
    // Those of this kernel: other tests have bodies of the same name.
    await until(() => (sandboxesOf(kernel.pid).length === 0 ? true : null));
    const call = kernel.post("/api/tools/double/call", { input: { n: 21 } });
    await expect(call).rejects.toThrow("observe-only");
    await kernel.post("/api/mode", { mode: "execute", reason: "test" });
    await bodyIsUp();
  });

  it("and is rolled back, reverted and held when it degrades there", async () => {
    const before = pointer("baseline");
    const patch = repository.patch({
      "lib/double.js": tiresAfter(30),
      "test/tired.test.js": `import test from "node:test";\ntest("looks fine", () => {});\n`,
    });
    const runId = await kernel.propose(patch);
    const { result, events } = await settled(runId, "rolled-back");
    expect(events.map(({ type }) => type).slice(-4)).toEqual([
      "health_window_started",
      "health_window_failed",
      "rollback_started",
      "rolled_back",
    ]);
    expect(pointer("serving").releaseDigest).toBe(before.releaseDigest);
    const reverted = await settled(result.rollbackRunId ?? "", "promoted", "blessed");
    expect(reverted.events.map(({ type }) => type)).toContain("promoted");
    const again = await kernel.propose(patch);
    const held = await settled(again, "blocked");
    expect(held.result.blockReasons).toEqual(["held-after-rollback"]);
    await kernel.post(`/api/holds/${runId}/lift`, { reason: "seen enough" });
    expect(await kernel.get("/api/holds")).toEqual({ holds: [] });
  });

  it("and is judged to its end by the next kernel when this one is killed meanwhile", async () => {
    const runId = await kernel.propose(
      repository.patch({ "lib/half.js": "export const half = (n) => n / 2;\n" }),
    );
    await settled(runId, "watched");
    await kernel.kill();
    kernel = await startKernelProgram({ repo: repository.directory, stateDir });
    const { events } = await settled(runId, "blessed");
    const windows = events.filter(({ type }) => type === "health_window_started");
    expect(windows.map(({ payload }) => payload["cause"])).toEqual([
      "promoted",
      "kernel-restarted",
    ]);
  });

  it("and goes back when an operator says so, whom no pause of promotion holds", async () => {
    const before = pointer("serving");
    await kernel.post("/api/self-extension/promotion", { paused: true, reason: "freeze" });
    const answer = await kernel.post<{ fromSha: string; toSha: string }>("/api/rollback", {
      reason: "not what we want",
    });
    expect(answer.fromSha).toBe(before.sha);
    expect(pointer("serving")).toMatchObject({ sha: answer.toSha, cause: "operator" });
    const { runs } = await kernel.get<{ runs: { runId: string; title: string }[] }>("/api/runs");
    const reverted = await until(
      () => runs.find(({ title }) => title.startsWith("Revert")) ?? null,
    );
    await settled(reverted.runId, "promoted", "blessed");
    const other = await kernel.propose(
      repository.patch({ "lib/third.js": "export const third = (n) => n / 3;\n" }),
    );
    const { result } = await settled(other, "parked");
    expect(result.blockReasons).toContain("promotion-paused");
    await kernel.post("/api/self-extension/promotion", { paused: false, reason: "go on" });
    await settled(other, "blessed");
  });

  it("and stops with its kernel", async () => {
    const bodies = await until(() => {
      const found = sandboxesOf(kernel.pid);
      return found.length > 0 ? found : null;
    });
    await kernel.stop();
    expect(bodies.filter(isRunning)).toEqual([]);
    kernel = await startKernelProgram({ repo: repository.directory, stateDir });
  });
});
