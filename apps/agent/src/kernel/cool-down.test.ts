import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CoolDown, CoolDownOf } from "./cool-down.ts";

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

it("is of one thing, and another one waits for nothing", () => {
  const coolDown = new CoolDownOf({ firstMs: minute, longestMs: 60 * minute });
  expect(coolDown.isOverFor("one")).toBe(true);
  coolDown.begin("one");
  vi.advanceTimersByTime(minute);
  coolDown.begin("one");
  vi.advanceTimersByTime(minute);
  expect(coolDown.isOverFor("one")).toBe(false);
  expect(coolDown.isOverFor("two")).toBe(true);
  coolDown.begin("two");
  expect(coolDown.isOverFor("two")).toBe(false);
  vi.advanceTimersByTime(minute);
  expect(coolDown.isOverFor("two")).toBe(true);
  coolDown.begin("two");
  coolDown.reset();
  expect(coolDown.isOverFor("two")).toBe(true);
});
