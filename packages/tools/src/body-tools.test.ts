import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
// As built: tools that are confined are loaded by a program.
import { KernelOrder, loadBodyTools, vouchedFor, type BodyTools } from "../dist/body-tools.js";

const context = {
  signal: new AbortController().signal,
  call: async () => await Promise.reject(new Error("no other tool is called here")),
};
const order = (tool: string, input: unknown) =>
  KernelOrder.fromMessage({ type: "perform", tool, input });

describe("the tools of a body", () => {
  let tools: BodyTools;
  beforeAll(async () => {
    tools = await loadBodyTools();
  });
  afterAll(() => tools.end());

  it("are announced with what their input looks like", () => {
    const { announced } = tools;
    expect(announced.find(({ name }) => name === "line-search")).toMatchObject({
      effect: "read",
      risk: "low",
      timeoutMs: 10_000,
      inputSchema: { required: ["text", "find"], properties: { limit: { maximum: 1000 } } },
    });
    expect(announced.map(({ name }) => name)).toEqual(expect.arrayContaining([...vouchedFor]));
  });

  it("are called on an order of the kernel, which is good for one call", async () => {
    const once = order("line-search", { text: "a\nb", find: "b" });
    expect(await tools.carryOut(once, context)).toMatchObject({ total: 1 });
    await expect(tools.carryOut(once, context)).rejects.toThrow("carried out once");
  });

  it("are not called on what looks like an order", async () => {
    const forged = Object.create(KernelOrder.prototype) as KernelOrder;
    await expect(tools.carryOut(forged, context)).rejects.toThrow(TypeError);
  });

  it.each([
    ["no-such-tool", "there-is-none", {}],
    ["invalid-input", "line-search", { text: 5 }],
    ["invalid-input", "files", { do: "read", path: "../x" }],
  ])("say by a code what is wrong: %s", async (code, tool, input) => {
    await expect(tools.carryOut(order(tool, input), context)).rejects.toMatchObject({ code });
  });

  it.each([
    ["holds none", "export const other = 1;"],
    ["has another name", "export const tool = { kind: 'builtin-tool', name: 'b' };"],
  ])("do not load from a folder that %s", async (_what, source) => {
    const directory = await mkdtemp(join(tmpdir(), "jarvis-tools-"));
    onTestFinished(async () => await rm(directory, { recursive: true, force: true }));
    for (const [name, why] of [
      ["files", "exports no tool"],
      ["a", "has ended"],
    ] as const) {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, "tool.js"), source);
      await expect(loadBodyTools(directory)).rejects.toThrow(why);
      await rm(join(directory, name), { recursive: true });
    }
  });
});
