import { setImmediate as turn } from "node:timers/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import { FailureDelay } from "./failure-delay.ts";

it("forgives after a minute without a failure, also where the clock was set back", async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const delay = new FailureDelay();
  for (let failure = 0; failure < 10; failure += 1) await delay.failed();
  const eleventh = delay.failed();
  expect(await Promise.race([eleventh.then(() => "at once"), turn("later")])).toBe("later");
  await eleventh;
  vi.setSystemTime(Date.now() - 3_600_000);
  vi.advanceTimersByTime(60_001);
  const forgiven = delay.failed();
  expect(await Promise.race([forgiven.then(() => "at once"), turn("later")])).toBe("at once");
});
