import { expect, it, onTestFinished, vi } from "vitest";
import { lookNowAndThen } from "./look-now-and-then.ts";

it("asks every ten seconds, also where the clock was set back", () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  let isKnown = true;
  const mayGoOn = lookNowAndThen(() => isKnown);
  isKnown = false;
  vi.setSystemTime(Date.now() - 3_600_000);
  vi.advanceTimersByTime(9_999);
  expect(mayGoOn()).toBe(true);
  vi.advanceTimersByTime(1);
  expect(mayGoOn()).toBe(false);
});
