import { z } from "zod";
import { defineTool } from "../../tool.ts";

/** Counts what a text is made of. Words are as Unicode segments them, so it holds for any script. */
export const tool = defineTool({
  name: "text-statistics",
  description: "Counts the lines, words, characters and bytes of a text.",
  effect: "read",
  input: z.object({ text: z.string().max(5_000_000) }),
  output: z.object({ lines: z.int(), words: z.int(), characters: z.int(), bytes: z.int() }),
  async execute({ text }) {
    const words = [...new Intl.Segmenter("en", { granularity: "word" }).segment(text)].filter(
      (segment) => segment.isWordLike === true,
    );
    return {
      lines: text === "" ? 0 : text.replace(/\n$/, "").split("\n").length,
      words: words.length,
      characters: [...text].length,
      bytes: Buffer.byteLength(text),
    };
  },
});
