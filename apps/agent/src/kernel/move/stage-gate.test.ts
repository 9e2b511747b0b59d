import { describe, expect, it } from "vitest";
import { StageGate } from "./stage-gate.ts";

const never = new AbortController().signal;

describe("the gate of the stages", () => {
  it("lets stages pass while it is open", async () => {
    const gate = new StageGate();
    expect(await gate.pass(async () => await Promise.resolve("done"))).toBe("done");
    expect(gate.busy).toBe(0);
  });

  it("lets none begin while it is closed, and those that waited when it opens", async () => {
    const gate = new StageGate();
    const begun: string[] = [];
    gate.close();
    const stages = ["a", "b"].map(
      async (name) => await gate.pass(async () => await Promise.resolve(begun.push(name))),
    );
    await gate.drained(1000, never);
    expect(begun).toEqual([]);
    gate.open();
    await Promise.all(stages);
    expect(begun).toEqual(["a", "b"]);
  });

  it("is drained when what was under way has ended, whichever way", async () => {
    const gate = new StageGate();
    const stage = aStage();
    const passing = gate.pass(async () => await stage.promise);
    gate.close();
    let isDrained = false;
    const drained = gate.drained(60_000, never).then(() => (isDrained = true));
    await Promise.resolve();
    expect({ isDrained, busy: gate.busy }).toEqual({ isDrained: false, busy: 1 });
    stage.fail(new Error("the sandbox is gone"));
    await expect(passing).rejects.toThrow("the sandbox is gone");
    await drained;
  });

  it("is not waited for longer than its time, nor after a kill", async () => {
    const gate = new StageGate();
    void gate.pass(async () => await aStage().promise);
    await gate.drained(10, never);
    expect(gate.busy).toBe(1);
    const kill = new AbortController();
    const drained = gate.drained(60_000, kill.signal);
    kill.abort();
    await expect(drained).rejects.toMatchObject({ name: "AbortError" });
  });
});

function aStage(): { promise: Promise<void>; fail: (error: Error) => void } {
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((_, reject) => (fail = reject));
  return { promise, fail };
}
