import { describe, expect, it } from "vitest";
import { tool } from "./tool.ts";

const signal = new AbortController().signal;

describe("text-statistics", () => {
  it.each([
    ["", { lines: 0, words: 0, characters: 0, bytes: 0 }],
    ["word", { lines: 1, words: 1, characters: 4, bytes: 4 }],
    ["a\n\nb", { lines: 3, words: 2, characters: 4, bytes: 4 }],
    ["ends\n", { lines: 1, words: 1, characters: 5, bytes: 5 }],
    ["Grüße, 世界 👋", { lines: 1, words: 2, characters: 11, bytes: 20 }],
  ])("counts %j", async (text, expected) => {
    expect(await tool.execute({ text }, { signal })).toEqual(expected);
  });

  it("refuses what is not a text", async () => {
    await expect(tool.execute({ text: 5 }, { signal })).rejects.toThrow(
      "cannot read its input: text",
    );
  });
});
