import { describe, expect, it } from "vitest";
import { tool } from "./tool.ts";

const signal = new AbortController().signal;

describe("line-search", () => {
  it("takes the string literally", async () => {
    expect(await tool.execute({ text: "a.c\nabc", find: "a.c" }, { signal })).toEqual({
      matches: [{ line: 1, text: "a.c" }],
      total: 1,
    });
  });

  it("counts all matches and shows as many as asked", async () => {
    expect(await tool.execute({ text: "x\nx\nx", find: "x", limit: 2 }, { signal })).toEqual({
      matches: [
        { line: 1, text: "x" },
        { line: 2, text: "x" },
      ],
      total: 3,
    });
  });

  it("refuses to search for nothing", async () => {
    await expect(tool.execute({ text: "x", find: "" }, { signal })).rejects.toThrow("find");
  });
});
