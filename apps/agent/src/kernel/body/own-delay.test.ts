import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { OwnDelay } from "./own-delay.ts";

describe("the delay of this process", () => {
  it("is noticed when its timers came late, and forgotten for what begins afterwards", async () => {
    const delay = new OwnDelay();
    const before = performance.now();
    await sleep(20);
    // Nothing else runs meanwhile: what a busy machine does to it, in small.
    while (performance.now() < before + 150);
    expect(delay.wasLateSince(before)).toBe(true);
    expect(delay.wasLateSince(performance.now() + 1)).toBe(false);
    delay.stop();
  });
});
