import { describe, expect, it } from "vitest";
import { reveal } from "./reveal.ts";

const shown = (text: string): string =>
  reveal(text)
    .map((piece) => (piece.isHidden ? `[${piece.text}]` : piece.text))
    .join("");

describe("a text of somebody else", () => {
  it.each([
    ["what reorders what is read", "a\u202Eb\u2066c", "a[U+202E]b[U+2066]c"],
    ["what has no width", "pass\u200Bword\uFEFF", "pass[U+200B]word[U+FEFF]"],
    ["controls, of a terminal too", "\u001b[31m\u0007\r", "[U+001B][31m[U+0007][U+000D]"],
    ["tags that hide text", "\u{E0041}", "[U+E0041]"],
    ["half of a character", "\ud800x", "[U+D800]x"],
    ["fillers and separators", "\u3164\u2028", "[U+3164][U+2028]"],
  ])("names %s", (_, text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it("leaves everything else as it is", () => {
    const text = "plain\ttext\nöäü 漢字 👍 <b>&amp;</b>";
    expect(reveal(text)).toEqual([{ text, isHidden: false }]);
    expect(reveal("")).toEqual([]);
  });
});
