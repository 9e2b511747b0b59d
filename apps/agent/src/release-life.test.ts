import { isRunning } from "@jarvis/sandbox/testing";
import type * as Body from "@jarvis/tools/body";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sandboxesOf, until } from "./testing/kernel-program.ts";
import { startLivingWorld, type KernelWorld } from "./testing/kernel-world.ts";
import { livingProject } from "./testing/living-files.mjs";
import { tiresAfter } from "./testing/living-project.ts";
import { pushFromOutside } from "./testing/push-from-outside.ts";

let world: KernelWorld;
// As it was built: its tools run as programs of their own.
const { KernelOrder, loadBodyTools } = (await import(
  new URL("../../../packages/tools/dist/body-tools.js", import.meta.url).href
)) as typeof Body;
let tools: Body.BodyTools;

/** A baseline is there before the body that serves it has started, which refuses calls until then. */
async function bodyIsUp(): Promise<void> {
  await until(async () => {
    const { body } = await world.kernel.get<{ body: { state: string } }>("/api/status");
    return body.state === "running" ? true : null;
  });
}

async function pause(paused: boolean): Promise<void> {
  await world.kernel.post("/api/self-extension/promotion", { paused, reason: "test" });
}

/** What a built-in tool proposes, asked for by the body that runs: the run that came of it. */
async function asBody(tool: string, input: object): Promise<string> {
  const order = KernelOrder.fromMessage({ type: "perform", tool, input });
  const answer = await tools.carryOut(order, {
    signal: new AbortController().signal,
    async call(asked, given) {
      const relayed = { input: { tool: asked, input: given } };
      return (await world.kernel.post<{ output: unknown }>("/api/tools/relay/call", relayed))
        .output;
    },
  });
  return (answer as { runId: string }).runId;
}

beforeAll(async () => {
  world = await startLivingWorld();
  tools = await loadBodyTools();
  await until(() => {
    try {
      return world.pointer("baseline");
    } catch {
      return null;
    }
  });
  await bodyIsUp();
});

afterAll(async () => {
  tools.end();
  await world.close();
});

describe("what was promoted runs", () => {
  it("and is blessed when its window shows it healthy: a tool authored at run time, held by the pause like any change", async () => {
    const before = world.pointer("baseline");
    await pause(true);
    const runId = await asBody("tool-write", {
      name: "triple",
      source: "export const triple = (n) => n * 3;\n",
      test: "export {};\n",
      examples: "{}",
      reason: "Triples",
    });
    const held = await world.settled(runId, "parked");
    expect(held.result.blockReasons).toEqual(["promotion-paused"]);
    expect(held.events[0]?.context).toMatchObject({ actor: "body", actorSource: "agent" });
    expect(held.events.map(({ type }) => type)).toContain("tested");
    await pause(false);
    const { events } = await world.settled(runId, "blessed");
    expect(events.map(({ type }) => type).slice(-4)).toEqual([
      "promoted",
      "health_window_started",
      "health_window_passed",
      "baseline_blessed",
    ]);
    expect(world.pointer("baseline").releaseDigest).not.toBe(before.releaseDigest);
    expect(world.pointer("serving").releaseDigest).toBe(world.pointer("baseline").releaseDigest);
    expect(await world.kernel.post("/api/tools/double/call", { input: { n: 21 } })).toEqual({
      output: 42,
    });
  });

  it("is changed or taken away by a body through the same gate, which says no", async () => {
    const about = { name: "triple", reason: "Otherwise" };
    const hidden = asBody("builtin-modify", { ...about, source: "// \u202e\nexport {};\n" });
    await expect(hidden).rejects.toThrow("control or bidirectional control characters");
    // With its test goes what judged it: a person's to decide.
    const gone = await world.settled(await asBody("tool-delete", about), "parked");
    expect(gone.result.blockReasons).toContain("evaluator-changed");
    await expect(asBody("tool-delete", { ...about, name: "no-such" })).rejects.toThrow(
      "is not there",
    );
  });

  it("and does nothing while Jarvis only observes", async () => {
    await world.setMode("observe");
    // Those of this kernel: other tests have bodies of the same name.
    await until(() => (sandboxesOf(world.kernel.pid).length === 0 ? true : null));
    const call = world.kernel.post("/api/tools/double/call", { input: { n: 21 } });
    await expect(call).rejects.toThrow("observe-only");
    await world.setMode("execute");
    await bodyIsUp();
  });

  it("and is rolled back, reverted and held when it degrades there", async () => {
    const before = world.pointer("baseline");
    const patch = world.repository.patch({
      "lib/double.js": tiresAfter(30),
      "test/tired.test.js": `import test from "node:test";\ntest("looks fine", () => {});\n`,
    });
    const runId = await world.kernel.propose(patch);
    const { result, events } = await world.settled(runId, "rolled-back");
    expect(events.map(({ type }) => type).slice(-4)).toEqual([
      "health_window_started",
      "health_window_failed",
      "rollback_started",
      "rolled_back",
    ]);
    expect(world.pointer("serving").releaseDigest).toBe(before.releaseDigest);
    const reverted = await world.settled(result.rollbackRunId ?? "", "promoted", "blessed");
    expect(reverted.events.map(({ type }) => type)).toContain("promoted");
    const again = await world.kernel.propose(patch);
    const held = await world.settled(again, "blocked");
    expect(held.result.blockReasons).toEqual(["held-after-rollback"]);
    await world.kernel.post(`/api/holds/${runId}/lift`, { reason: "seen enough" });
    expect(await world.kernel.get("/api/holds")).toEqual({ holds: [] });
  });

  it("and is judged to its end by the next kernel when this one is killed meanwhile", async () => {
    const runId = await world.kernel.propose(
      world.repository.patch({ "lib/half.js": "export const half = (n) => n / 2;\n" }),
    );
    await world.settled(runId, "watched");
    await world.kernel.kill();
    await world.startAgain();
    const { events } = await world.settled(runId, "blessed");
    const windows = events.filter(({ type }) => type === "health_window_started");
    expect(windows.map(({ payload }) => payload["cause"])).toEqual([
      "promoted",
      "kernel-restarted",
    ]);
  });

  it("and goes back when an operator says so, whom no pause of promotion holds", async () => {
    const before = world.pointer("serving");
    await world.kernel.post("/api/self-extension/promotion", { paused: true, reason: "freeze" });
    const answer = await world.kernel.post<{ fromSha: string; toSha: string }>("/api/rollback", {
      reason: "not what we want",
    });
    expect(answer.fromSha).toBe(before.sha);
    expect(world.pointer("serving")).toMatchObject({ sha: answer.toSha, cause: "operator" });
    const { runs } = await world.kernel.get<{ runs: { runId: string; title: string }[] }>(
      "/api/runs",
    );
    const reverted = await until(
      () => runs.find(({ title }) => title.startsWith("Revert")) ?? null,
    );
    await world.settled(reverted.runId, "promoted", "blessed");
    const other = await world.kernel.propose(
      world.repository.patch({ "lib/third.js": "export const third = (n) => n / 3;\n" }),
    );
    const { result } = await world.settled(other, "parked");
    expect(result.blockReasons).toContain("promotion-paused");
    await world.kernel.post("/api/self-extension/promotion", { paused: false, reason: "go on" });
    await world.settled(other, "blessed");
  });

  it("and is begun as its own tree says", async () => {
    // As a program it is the same body with a tool of another name; a test that imports it is not held up.
    const main = [
      `if (process.argv[1]?.endsWith("main.js")) {`,
      `  const write = process.stdout.write.bind(process.stdout);`,
      `  process.stdout.write = (text) => write(String(text).replace('"relay"', '"another"'));`,
      `  await import("./body.js");`,
      `}`,
      "",
    ].join("\n");
    const runId = await world.kernel.propose(world.repository.patch({ "main.js": main }));
    await world.settled(runId, "blessed");
    const config = livingProject["jarvis.config.json"]?.replace(`"body.js"`, `"main.js"`) ?? "";
    const sha = await pushFromOutside(world.stateDir, "jarvis.config.json", config);
    // What says how a change is judged is let pass by a person.
    await until(async () => await world.run(`attestation-${sha}`).catch(() => null));
    await world.kernel.post("/api/accept", { sha });
    const { body } = await until(async () => {
      const status = await world.kernel.get<{ body: { tools: string[] } }>("/api/status");
      return world.pointer("baseline").sha === sha ? status : null;
    });
    expect(body.tools).toContain("another");
  });

  it("and stops with its kernel", async () => {
    const bodies = await until(() => {
      const found = sandboxesOf(world.kernel.pid);
      return found.length > 0 ? found : null;
    });
    await world.kernel.stop();
    expect(bodies.filter(isRunning)).toEqual([]);
    await world.startAgain();
  });
});
