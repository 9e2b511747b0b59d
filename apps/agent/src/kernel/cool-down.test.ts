import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CoolDown } from "./cool-down.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const minute = 60_000;

it("is twice as long after each attempt that fails, up to the longest, and over with one that succeeds", () => {
  const coolDown = new CoolDown({ firstMs: minute, longestMs: 60 * minute });
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    expect(coolDown.isOver).toBe(true);
    coolDown.begin();
    vi.advanceTimersByTime(minutes * minute - 1);
    expect(coolDown.isOver).toBe(false);
    vi.advanceTimersByTime(1);
  }
  coolDown.begin();
  coolDown.reset();
  expect(coolDown.isOver).toBe(true);
  coolDown.begin();
  vi.advanceTimersByTime(minute);
  expect(coolDown.isOver).toBe(true);
});
