import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PromotionQueue } from "./promotion-queue.ts";

describe("turns", () => {
  it("are taken one by one, in the order in which runs were ready", async () => {
    const queue = new PromotionQueue();
    const seen: string[] = [];
    let inside = 0;
    const promote = async (runId: string): Promise<boolean> =>
      await queue.turn(
        runId,
        async () => {
          expect((inside += 1)).toBe(1);
          await sleep(1);
          inside -= 1;
          seen.push(runId);
          return true;
        },
        () => false,
      );
    await Promise.all(["a", "b", "c"].map(promote));
    expect(seen).toEqual(["a", "b", "c"]);
  });

  it("go on after one that failed, and after one that everybody waited for has left", async () => {
    const queue = new PromotionQueue();
    const failed = queue.turn(
      "a",
      async () => await Promise.reject(new Error("gone")),
      () => false,
    );
    await expect(failed).rejects.toThrow("gone");
    await queue.turn(
      "b",
      async () => await Promise.resolve(),
      () => true,
    );
    let isThrough = false;
    const other = queue.turn(
      "c",
      async () => (isThrough = true),
      () => false,
    );
    await sleep(5);
    expect(isThrough).toBe(false);
    queue.leave("b");
    await other;
    expect(isThrough).toBe(true);
  });

  it("come to an attempt of a run whose attempt before has not quite ended", async () => {
    const queue = new PromotionQueue();
    const seen: string[] = [];
    const attempt = async (name: string): Promise<void> => {
      await queue.turn(
        "a",
        async () => {
          await sleep(5);
          seen.push(name);
        },
        () => false,
      );
      // As at the end of its workflow, a moment later.
      await sleep(1);
      queue.leave("a");
    };
    await Promise.all(["first", "second", "third"].map(attempt));
    expect(seen).toEqual(["first", "second", "third"]);
  });

  it("are not taken from an attempt that waits when the one before it leaves", async () => {
    const queue = new PromotionQueue();
    const other = queue.turn(
      "b",
      async () => await sleep(5),
      () => false,
    );
    let isThrough = false;
    const waiting = queue.turn(
      "a",
      async () => (isThrough = await Promise.resolve(true)),
      () => false,
    );
    queue.leave("a");
    await Promise.all([other, waiting]);
    expect(isThrough).toBe(true);
  });
});

it("verifies nobody more than twice, however long each takes", async () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.scheduler(), async (verified, schedule) => {
      const queue = new PromotionQueue();
      let base = 0;
      const rounds = verified.map(() => 0);
      // Each run is verified in as many steps as it takes, on the base that stood when it began.
      const run = async (index: number): Promise<void> => {
        for (;;) {
          rounds[index] = (rounds[index] ?? 0) + 1;
          const mine = base;
          for (let step = 0; step < (verified[index] ?? 0); step += 1) {
            await schedule.schedule(Promise.resolve());
          }
          const landed = await queue.turn(
            String(index),
            async () => {
              await schedule.schedule(Promise.resolve());
              if (base !== mine) return false;
              base += 1;
              return true;
            },
            (result) => !result,
          );
          if (landed) return;
        }
      };
      const all = Promise.all(verified.map(async (_, index) => await run(index)));
      await schedule.waitFor(all);
      expect(base).toBe(verified.length);
      expect(Math.max(...rounds)).toBeLessThanOrEqual(2);
    }),
    { numRuns: 100 },
  );
});
