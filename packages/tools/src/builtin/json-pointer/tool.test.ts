import { describe, expect, it } from "vitest";
import { tool } from "./tool.ts";

const signal = new AbortController().signal;
const read = (document: unknown, pointer: string) =>
  tool.execute({ document, pointer }, { signal });

// The document and the answers of RFC 6901, section 5.
const document = {
  foo: ["bar", "baz"],
  "": 0,
  "a/b": 1,
  "c%d": 2,
  "e^f": 3,
  "g|h": 4,
  "i\\j": 5,
  'k"l': 6,
  " ": 7,
  "m~n": 8,
};

describe("json-pointer", () => {
  it.each([
    ["", document],
    ["/foo", ["bar", "baz"]],
    ["/foo/0", "bar"],
    ["/", 0],
    ["/a~1b", 1],
    ["/c%d", 2],
    ["/e^f", 3],
    ["/g|h", 4],
    ["/i\\j", 5],
    ['/k"l', 6],
    ["/ ", 7],
    ["/m~0n", 8],
  ])("reads %j as the RFC says", async (pointer, value) => {
    expect(await read(document, pointer)).toEqual({ value });
  });

  it.each(["/foo/2", "/foo/01", "/foo/-", "/nope", "/foo/length"])(
    "refuses %s",
    async (pointer) => {
      await expect(read(document, pointer)).rejects.toThrow("nothing at");
    },
  );

  it("refuses a pointer that does not begin with a slash", async () => {
    await expect(read(document, "foo")).rejects.toThrow("begins with /");
  });
});
