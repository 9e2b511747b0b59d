import { expect, it } from "vitest";
import { eachInTurn } from "./each-in-turn.ts";

it("lets nobody starve behind one that fails, and tells of the first", async () => {
  const done: number[] = [];
  const work = async (n: number): Promise<void> => {
    await Promise.resolve();
    if (n % 2 === 1) throw new Error(`${n} failed`);
    done.push(n);
  };
  await expect(eachInTurn([0, 1, 2, 3, 4], work)).rejects.toThrow("1 failed");
  expect(done).toEqual([0, 2, 4]);
  await eachInTurn([6], work);
  expect(done).toEqual([0, 2, 4, 6]);
});
