import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { KernelOrder, loadBodyTools } from "./body-tools.ts";

const context = {
  signal: new AbortController().signal,
  call: async () => await Promise.reject(new Error("no other tool is called here")),
};
const order = (tool: string, input: unknown) =>
  KernelOrder.fromMessage({ type: "perform", tool, input });

describe("the tools of a body", () => {
  it("are announced with what their input looks like", async () => {
    const { announced } = await loadBodyTools();
    expect(announced.find(({ name }) => name === "line-search")).toMatchObject({
      effect: "read",
      risk: "low",
      timeoutMs: 10_000,
      inputSchema: { required: ["text", "find"], properties: { limit: { maximum: 1000 } } },
    });
  });

  it("are called on an order of the kernel, which is good for one call", async () => {
    const tools = await loadBodyTools();
    const once = order("line-search", { text: "a\nb", find: "b" });
    expect(await tools.carryOut(once, context)).toMatchObject({ total: 1 });
    await expect(tools.carryOut(once, context)).rejects.toThrow("carried out once");
  });

  it("are not called on what looks like an order", async () => {
    const tools = await loadBodyTools();
    const forged = Object.create(KernelOrder.prototype) as KernelOrder;
    await expect(tools.carryOut(forged, context)).rejects.toThrow(TypeError);
  });

  it.each([
    ["no-such-tool", "there-is-none", {}],
    ["invalid-input", "line-search", { text: 5 }],
  ])("say by a code what is wrong: %s", async (code, tool, input) => {
    const tools = await loadBodyTools();
    await expect(tools.carryOut(order(tool, input), context)).rejects.toMatchObject({ code });
  });

  it.each([
    ["holds none", "export const other = 1;"],
    ["has another name", "export const tool = { kind: 'builtin-tool', name: 'b' };"],
  ])("do not load from a folder that %s", async (_what, source) => {
    const directory = await mkdtemp(join(tmpdir(), "jarvis-tools-"));
    onTestFinished(async () => await rm(directory, { recursive: true, force: true }));
    await mkdir(join(directory, "a"));
    await writeFile(join(directory, "a", "tool.ts"), source);
    await expect(loadBodyTools(directory)).rejects.toThrow("exports no tool");
  });
});
