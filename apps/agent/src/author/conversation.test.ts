import { describe, expect, it } from "vitest";
import type { Message } from "../kernel/model/model-port.ts";
import { boundedAnswers, fitted } from "./conversation.ts";

const long = "x".repeat(10_000);

describe("a conversation that is too long", () => {
  it("loses the oldest answers of tools, and neither diagnostics nor what was asked first", () => {
    const messages: Message[] = [
      { role: "user", parts: [{ text: `the goal ${long}` }] },
      ...step("read_file"),
      ...step("run_stage"),
      ...step("read_file"),
      ...step("search"),
      ...step("read_file"),
    ];
    const result = fitted(messages, 50_000) ?? [];
    const lengths = result.map((message) => JSON.stringify(message).length > 1_000);
    // The goal, the old read (cut), the stage, the next read (cut), and what is newest.
    expect(lengths).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      true,
      false,
      true,
    ]);
    expect(JSON.stringify(result[2])).toContain("10000 characters were cut here");
    expect(fitted(messages, 1_000_000)).toEqual(messages);
  });

  it("loses what was written into files once the answers are not enough", () => {
    const written = (tool: string): Message[] => [
      {
        role: "assistant",
        text: "",
        calls: [{ id: "1", tool, input: { path: "a.js", content: long }, problem: null }],
      },
      { role: "tool", answers: [{ callId: "1", tool, parts: [{ text: "a.js is written." }] }] },
    ];
    const messages: Message[] = [
      { role: "user", parts: [{ text: "the goal" }] },
      ...Array.from({ length: 5 }, () => written("write_file")).flat(),
      ...step("run_stage"),
    ];
    const result = fitted(messages, 45_000) ?? [];
    const kept = result.map((message) => JSON.stringify(message).includes(long));
    // Of five the two oldest are cut: the newest four messages, and diagnostics, stay as they are.
    expect(kept.filter(Boolean)).toHaveLength(4);
    expect(JSON.stringify(result[1])).toContain("10000 characters were cut here");
    expect(JSON.stringify(result[1])).toContain("a.js");
    expect(kept.at(-1)).toBe(true);
  });

  it("that cannot be made short enough is told as such", () => {
    expect(fitted([{ role: "user", parts: [{ text: long }] }], 5_000)).toBeNull();
  });
});

describe("the answers of one step", () => {
  const answer = (tool: string) => ({ callId: "1", tool, parts: [{ text: long }] });

  it("are given while there is room, and diagnostics also where there is none", () => {
    const asked = ["read_file", "search", "read_file", "run_stage"].map(answer);
    const given = boundedAnswers(asked, 25_000);
    expect(given.map(({ parts }) => parts[0]?.text === long)).toEqual([true, true, false, true]);
    expect(boundedAnswers(asked, 40_000)).toEqual(asked);
  });
});

function step(tool: string): Message[] {
  return [
    { role: "assistant", text: "", calls: [{ id: "1", tool, input: {}, problem: null }] },
    { role: "tool", answers: [{ callId: "1", tool, parts: [{ text: long }] }] },
  ];
}
