import { describe, expect, it } from "vitest";
import type { Message } from "../kernel/model/model-port.ts";
import { fitted } from "./conversation.ts";

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

  it("that cannot be made short enough is told as such", () => {
    expect(fitted([{ role: "user", parts: [{ text: long }] }], 5_000)).toBeNull();
  });
});

function step(tool: string): Message[] {
  return [
    { role: "assistant", text: "", calls: [{ id: "1", tool, input: {}, problem: null }] },
    { role: "tool", answers: [{ callId: "1", tool, parts: [{ text: long }] }] },
  ];
}
