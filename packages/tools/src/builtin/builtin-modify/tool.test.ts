import { expect, it } from "vitest";
import { tool } from "./tool.ts";

it("builtin-modify proposes files of its folder to the kernel and nothing else", async () => {
  const asked: { name: string; input: { files: { path: string }[] } }[] = [];
  const call = async (name: string, input: unknown) => {
    asked.push({ name, input: input as { files: { path: string }[] } });
    return await Promise.resolve("a run");
  };
  const signal = new AbortController().signal;
  const given = { name: "shell", source: "a", reason: "because" };
  expect(await tool.execute(given, { signal, call })).toEqual({ runId: "a run" });
  expect(asked).toMatchObject([
    { name: "kernel-propose", input: { only: "there", title: "because" } },
  ]);
  expect(asked[0]?.input.files.map(({ path }) => path)).toEqual(
    ["tool.ts"].map((file) => `packages/tools/src/builtin/shell/${file}`),
  );
  for (const name of ["../up", "A", "a/b", ""]) {
    await expect(tool.execute({ ...given, name }, { signal, call })).rejects.toThrow("name");
  }
  expect(asked).toHaveLength(1);
});
