import { expect, it } from "vitest";
import { tool } from "./tool.ts";

const signal = new AbortController().signal;
const rows = { columns: ["n"], rows: [["1"], [null]], isWhole: true };
const given = { database: "shop", query: "select n from t" };

it("sql-query asks the kernel, and believes no other answer than it should give", async () => {
  const asked: unknown[] = [];
  const call = async (name: string, input: unknown) => {
    asked.push([name, input]);
    return await Promise.resolve(rows);
  };
  expect(await tool.execute(given, { signal, call })).toEqual(rows);
  expect(asked).toEqual([["kernel-query", given]]);
  const odd = async () => await Promise.resolve({ ...rows, rows: [[1]] });
  await expect(tool.execute(given, { signal, call: odd })).rejects.toThrow("rows");
  for (const database of ["../x", "", "Shop", "postgresql://x/y"]) {
    await expect(tool.execute({ ...given, database }, { signal, call })).rejects.toThrow(
      "database",
    );
  }
  expect(asked).toHaveLength(1);
});
