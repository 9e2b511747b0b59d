import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { sideBySide } from "./side-by-side.ts";

describe("sideBySide", () => {
  it("does no more than the limit at a time and answers in the given order", async () => {
    let running = 0;
    let most = 0;
    const works = [30, 1, 20, 5, 10].map((ms) => async () => {
      running += 1;
      most = Math.max(most, running);
      await sleep(ms);
      running -= 1;
      return ms;
    });
    expect(await sideBySide(works, 2)).toEqual([30, 1, 20, 5, 10]);
    expect(most).toBe(2);
    expect(await sideBySide([], 2)).toEqual([]);
  });

  it("does one after the other where the limit is less than one", async () => {
    const order: number[] = [];
    const works = [3, 1].map((ms) => async () => {
      await sleep(ms);
      order.push(ms);
    });
    await sideBySide(works, 0);
    expect(order).toEqual([3, 1]);
  });

  it("throws the first error once nothing is under way any more, and begins nothing further", async () => {
    const ended: string[] = [];
    const works = [
      async () => {
        await sleep(1);
        throw new Error("first");
      },
      async () => {
        await sleep(30);
        ended.push("slow");
      },
      async () => {
        ended.push("never begun");
      },
    ];
    await expect(sideBySide(works, 2)).rejects.toThrow("first");
    expect(ended).toEqual(["slow"]);
  });
});
