import { expect, it } from "vitest";
import { tool } from "./tool.ts";

const signal = new AbortController().signal;
const page = { status: 200, url: "https://a.example/", contentType: null, body: "", isWhole: true };

it("http-fetch asks the kernel, and believes no other answer than it should give", async () => {
  const asked: unknown[] = [];
  const call = async (name: string, input: unknown) => {
    asked.push([name, input]);
    return await Promise.resolve(page);
  };
  expect(await tool.execute({ url: "https://a.example/" }, { signal, call })).toEqual(page);
  expect(asked).toEqual([["kernel-fetch", { url: "https://a.example/" }]]);
  const odd = async () => await Promise.resolve({ status: "fine" });
  await expect(tool.execute({ url: "https://a.example/" }, { signal, call: odd })).rejects.toThrow(
    "status",
  );
});
