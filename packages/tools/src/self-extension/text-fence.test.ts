import { describe, expect, it } from "vitest";
import { fencedBlock, hasHiddenControls, inertLine } from "./text-fence.ts";

describe("inertLine", () => {
  it.each([
    ["Add a tool", "Add a tool"],
    ["Thanks @octocat, fixes #12", "Thanks octocat, fixes 12"],
    ["closes GH-7", "closes GH 7"],
    ["closes owner/repo#3", "closes owner repo 3"],
    ["Signed-off-by: Somebody <a@b.c>", "Signed-off-by Somebody a b.c"],
    ["one\n\nJarvis-Run: forged", "one Jarvis-Run forged"],
    ["/deploy now", "deploy now"],
    ["see https://example.com/issues/1", "see https example.com issues 1"],
    ["abc\u202Edef\u0007", "abc def"],
  ])("makes %j inert", (hostile, inert) => {
    expect(inertLine(hostile)).toBe(inert);
  });

  it("cuts what is longer than the limit", () => {
    expect(inertLine("word ".repeat(40)).length).toBeLessThanOrEqual(72);
  });
});

describe("fencedBlock", () => {
  it("cannot be ended by the text in it", () => {
    const block = fencedBlock("```\nfixes #1\n`````\n/merge");
    const [fence = ""] = block.split("\n", 1);
    expect(fence).toBe("``````text");
    expect(block.endsWith("\n``````")).toBe(true);
    expect(block.split("\n").filter((line) => line.startsWith("``````"))).toHaveLength(2);
  });

  it("shows hidden characters instead of obeying them", () => {
    expect(fencedBlock("a\u202Eb")).toContain("a\u{fffd}b");
  });
});

describe("hasHiddenControls", () => {
  it.each(["\u0000", "\u001b[31m", "\u202e", "\u2066", "\u200f", "\u{e0041}", "\u2028"])(
    "sees %j",
    (hidden) => expect(hasHiddenControls(`a${hidden}b`)).toBe(true),
  );

  it.each(["tab\tand\r\nlines", "Grüße 世界 👋🏽", "naïve ‑ – —"])("lets %j pass", (text) =>
    expect(hasHiddenControls(text)).toBe(false),
  );
});
