import { expect, it } from "vitest";
import { oneAtATime } from "./reconciler.ts";

it("never runs twice at once, and sees what changed while it ran", async () => {
  let running = 0;
  let runs = 0;
  const gates: (() => void)[] = [];
  const only = oneAtATime(async () => {
    running += 1;
    runs += 1;
    expect(running).toBe(1);
    await new Promise<void>((resolve) => gates.push(resolve));
    running -= 1;
  });
  const first = only.run();
  const second = only.run();
  const third = only.run();
  expect(only.busy()).toBe(true);
  gates.shift()?.();
  await first;
  await new Promise((resolve) => setTimeout(resolve, 5));
  gates.shift()?.();
  await Promise.all([second, third]);
  expect(runs).toBe(2);
  expect(only.busy()).toBe(false);
});

it("does not begin a run of its own for whoever calls when one has just ended", async () => {
  let running = 0;
  let most = 0;
  const only = oneAtATime(async () => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  });
  const first = only.run();
  const second = only.run();
  const third = first.then(async () => await only.run());
  await Promise.all([first, second, third]);
  expect(most).toBe(1);
  expect(only.busy()).toBe(false);
});

it("goes on after a look that failed", async () => {
  let fails = true;
  const only = oneAtATime(async () => {
    await Promise.resolve();
    if (fails) throw new Error("the database is away");
  });
  await expect(only.run()).rejects.toThrow("away");
  fails = false;
  await expect(only.run()).resolves.toBeUndefined();
});
