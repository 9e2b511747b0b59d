import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { keepMisbehaving } from "../../testing/kept-body.ts";
import { wholeRound } from "../../testing/whole-round.ts";
import type { Json } from "../../body/protocol.ts";
import { judgeByBaseline, judgeByExample } from "./judge-probe.ts";
import { knownAnswers, type KnownAnswer } from "./known-answers.ts";
import type { PerformOutcome } from "./performs.ts";
import { startProbing, type Probed } from "./probes.ts";
import type { BodySignal } from "./signals.ts";
import { randomFrom, varyInput } from "./vary-input.ts";

const answered = (output: Json): PerformOutcome => ({ ok: true, output, latencyMs: 1 });
const failed = (code: string, by: "kernel" | "body" = "body", message = code): PerformOutcome => ({
  ok: false,
  error: { code, message },
  by,
  latencyMs: 1,
});
const echo: KnownAnswer = {
  tool: "echo",
  input: { a: "one two" },
  expected: { output: { a: "one two" } },
};
const options = { known: [echo], variations: 4, timeoutMs: 2000 };

describe("an answer, by its example", () => {
  it.each([
    [{ output: { a: [1, { b: 2 }] } }, answered({ a: [1, { b: 2 }] }), "right"],
    [{ output: { a: 1, b: 2 } }, answered({ b: 2, a: 1 }), "right"],
    [{ output: 1 }, answered("1"), "wrong"],
    [{ output: 1 }, failed("tool-failed"), "wrong"],
    [{ error: "nothing at" }, failed("tool-failed", "body", "nothing at x"), "right"],
    [{ error: "nothing at" }, failed("tool-failed", "body", "else"), "wrong"],
    [{ error: "nothing at" }, answered(null), "wrong"],
    [{ output: 1 }, failed("no-such-tool"), "wrong"],
    [{ output: 1 }, failed("late", "kernel"), "late"],
    [{ output: 1 }, failed("not-running", "kernel"), "skipped"],
    [{ output: 1 }, failed("body-gone", "kernel"), "skipped"],
    // A body that claims the kernel's words is still the one that failed.
    [{ output: 1 }, failed("late", "body"), "wrong"],
    [{ output: 1 }, failed("not-running", "body"), "wrong"],
  ])("%j: %j is %s", (expected, answer, verdict) => {
    expect(judgeByExample({ expected }, answer).verdict).toBe(verdict);
  });
});

describe("an answer, by the baseline's", () => {
  it.each([
    [answered(1), answered(1), false, "right"],
    [answered(1), answered(2), false, "wrong"],
    [answered(1), failed("tool-failed"), false, "wrong"],
    [failed("tool-failed"), failed("tool-failed", "body", "other words"), false, "right"],
    [failed("tool-failed"), failed("invalid-input"), false, "wrong"],
    [failed("tool-failed"), answered(1), false, "wrong"],
    [answered(1), failed("late", "kernel"), false, "late"],
    // Who does not know cannot judge, and what was not asked is not judged.
    [failed("late", "kernel"), answered(1), false, "skipped"],
    [failed("not-running", "kernel"), failed("tool-failed"), false, "skipped"],
    [answered(1), failed("too-many", "kernel"), false, "skipped"],
    // Changed on purpose: it may answer otherwise, and may not fail where it did not.
    [answered(1), answered(2), true, "right"],
    [failed("tool-failed"), answered(1), true, "right"],
    [answered(1), failed("tool-failed"), true, "wrong"],
    [answered(1), failed("late", "kernel"), true, "late"],
  ])("%j, then %j (may differ: %s) is %s", (baseline, answer, mayDiffer, verdict) => {
    expect(judgeByBaseline(baseline, answer, mayDiffer).verdict).toBe(verdict);
  });
});

describe("variations", () => {
  const schema = {
    properties: {
      text: { type: "string", maxLength: 12, minLength: 1 },
      limit: { type: "integer", minimum: 1, maximum: 5 },
      kind: { enum: ["a", "b"] },
    },
  };
  const input = { text: "grüße 👋", limit: 3, kind: "a", list: [1, [true, null]] };
  const many = (seed: number): Json[] => {
    const random = randomFrom(seed);
    return Array.from({ length: 500 }, () => varyInput(input, schema, random));
  };

  it("are the same for the same seed, and others for another", () => {
    expect(many(1)).toEqual(many(1));
    expect(many(1)).not.toEqual(many(2));
  });

  it("stay within what the schema says, and are many", () => {
    const seen = many(3) as (typeof input)[];
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBeGreaterThan(200);
    for (const { text, limit, kind } of seen) {
      expect(text.length).toBeGreaterThanOrEqual(1);
      expect(text.length).toBeLessThanOrEqual(12);
      expect(limit >= 1 && limit <= 5 && Number.isInteger(limit)).toBe(true);
      expect(["a", "b"]).toContain(kind);
    }
  });

  it("grow no further than a question may", () => {
    const random = randomFrom(5);
    let value: Json = { text: "x".repeat(1900), list: ["y"] };
    for (let round = 0; round < 200; round += 1) value = varyInput(value, {}, random);
    expect(JSON.stringify(value).length).toBeLessThan(200_000);
  });
});

describe("what is known", () => {
  it("of a tool that the baseline has is the baseline's, and of a new tool its own", async () => {
    const [serving, baseline] = [tree(), tree()];
    serving.write("old", "examples.json", file("old", 1));
    serving.write("new", "examples.json", file("new", 2));
    baseline.write("old", "examples.json", file("old", 3));
    baseline.write("gone", "examples-more.json", file("gone", 4));
    const known = await knownAnswers(serving, baseline);
    const inputs = Object.fromEntries(known.map(({ tool, input }) => [tool, input]));
    expect(inputs).toEqual({ gone: 4, new: 2, old: 3 });
    expect(await knownAnswers(serving, null)).toHaveLength(2);
  });

  it("is nothing where a file is no file of examples, speaks for another tool, or leads elsewhere", async () => {
    const serving = tree();
    serving.write("broken", "examples.json", "{");
    serving.write("empty", "examples.json", JSON.stringify({ tool: "empty", examples: [] }));
    serving.write("one", "examples.json", file("another", 1));
    serving.write("two", "other.json", file("two", 1));
    symlinkSync(
      "../one/examples.json",
      join(serving.directory, "packages/tools/src/builtin/two/examples.json"),
    );
    expect(await knownAnswers(serving, null)).toEqual([]);
    expect(await knownAnswers({ directory: "/nonexistent" }, null)).toEqual([]);
  });
});

describe("a round", () => {
  it("asks the same of the same seed, and only tools that read", async () => {
    const asked: string[] = [];
    const body = (effect: "read" | "network"): Probed => ({
      tools: [{ name: "echo", description: "", effect, inputSchema: {} }],
      perform: async (_tool, input) => {
        asked.push(JSON.stringify(input));
        return answered(input);
      },
    });
    const reading = body("read");
    expect(await wholeRound(reading, reading, 1, options)).toHaveLength(5);
    const first = asked.splice(0);
    await wholeRound(reading, reading, 1, options);
    expect(asked.splice(0)).toEqual(first);
    // What a tool does is the baseline's word, in either direction.
    expect(await wholeRound(body("network"), reading, 1, options)).toHaveLength(5);
    expect(await wholeRound(reading, body("network"), 1, options)).toHaveLength(0);
    // Nobody knows the answers to variations.
    expect(await wholeRound(reading, null, 1, options)).toHaveLength(1);
  });

  it("finds a real body that answers wrongly", async () => {
    const serving = keepMisbehaving("answers-wrong").keeper;
    const baseline = keepMisbehaving("well").keeper;
    await Promise.all([serving.ready(), baseline.ready()]);
    const results = await wholeRound(serving, baseline, 3, options);
    expect(results.map(({ verdict }) => verdict)).toEqual(results.map(() => "wrong"));
    const right = await wholeRound(baseline, baseline, 3, options);
    expect(right.map(({ verdict }) => verdict)).toEqual(right.map(() => "right"));
  });
});

describe("the workload", () => {
  it("goes on at its pace, waits while no body runs, and ends when it is told to", async () => {
    const { keeper } = keepMisbehaving("answers-wrong");
    const signals: BodySignal[] = [];
    let heard: () => void = () => undefined;
    const probing = startProbing({
      ...options,
      serving: keeper,
      baseline: () => null,
      perSecond: () => 100,
      onSignal: (signal) => {
        signals.push(signal);
        heard();
      },
    });
    const beganAt = performance.now();
    while (signals.length < 10) await new Promise<void>((resolve) => (heard = resolve));
    expect(performance.now() - beganAt).toBeGreaterThan(90);
    await probing.stop();
    const { length } = signals;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(signals).toHaveLength(length);
    expect(signals[0]).toMatchObject({ kind: "tool-call", tool: "echo", outcome: "wrong" });
  });
});

function file(tool: string, input: Json): string {
  return JSON.stringify({ tool, examples: [{ input, output: input }] });
}

function tree() {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-examples-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return {
    directory,
    write(tool: string, name: string, text: string) {
      const path = join(directory, "packages/tools/src/builtin", tool, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    },
  };
}
