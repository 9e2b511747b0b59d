import { describe, expect, it } from "vitest";

import { PrimaryLimit } from "./primary-limit.ts";
import { SecondaryLimit } from "./secondary-limit.ts";

describe("the primary limit", () => {
  it("lets so many through in an hour, and again in the next one", () => {
    const clock = { now: 1_000_000 };
    const limit = new PrimaryLimit({ limit: 2, now: () => clock.now });
    expect([limit.take("a"), limit.take("a"), limit.take("a")]).toEqual([true, true, false]);
    expect(limit.state("a")).toEqual({ limit: 2, used: 2, remaining: 0, resetSeconds: 4_600 });
    clock.now += 3_599_999;
    expect(limit.take("a")).toBe(false);
    clock.now += 1;
    expect(limit.take("a")).toBe(true);
  });

  it("counts every login for itself, and takes back what is not counted", () => {
    const limit = new PrimaryLimit({ limit: 1 });
    expect([limit.take("a"), limit.take("b"), limit.take("a")]).toEqual([true, true, false]);
    limit.giveBack("a");
    expect([limit.take("a"), limit.take("b")]).toEqual([true, false]);
    limit.clear();
    expect(limit.take("b")).toBe(true);
  });

  it("starts the hour with the first request and not with a look", () => {
    const clock = { now: 0 };
    const limit = new PrimaryLimit({ limit: 5, now: () => clock.now });
    expect(limit.state("a").resetSeconds).toBe(3_600);
    clock.now = 60_000;
    limit.take("a");
    expect(limit.state("a").resetSeconds).toBe(3_660);
  });

  it("goes on from a budget that it is set to", () => {
    const clock = { now: 0 };
    const limit = new PrimaryLimit({ limit: 5, now: () => clock.now });
    limit.set("a", { remaining: 1, resetInSeconds: 10 });
    expect([limit.take("a"), limit.take("a")]).toEqual([true, false]);
    clock.now = 10_000;
    expect(limit.state("a").remaining).toBe(5);
  });
});

describe("the secondary limit", () => {
  const roomy = { concurrent: 100, pointsPerMinute: 1_000, contentPerMinute: 1_000 };

  it("weighs a write as five reads, and says when there is room again", () => {
    const clock = { now: 0 };
    const limit = new SecondaryLimit({ ...roomy, pointsPerMinute: 12 }, () => clock.now);
    const begin = (write: boolean): number | undefined => limit.begin("a", write);
    expect([begin(true), begin(true), begin(false), begin(false)]).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    // A point drains in five seconds.
    expect([begin(false), begin(true), limit.begin("b", true)]).toEqual([5, 25, undefined]);
    clock.now = 4_999;
    expect(begin(false)).toBe(1);
    clock.now = 5_000;
    expect(begin(false)).toBeUndefined();
  });

  it("holds back changes sooner than reads", () => {
    const limit = new SecondaryLimit({ ...roomy, contentPerMinute: 1 }, () => 0);
    expect([limit.begin("a", true), limit.begin("a", true), limit.begin("a", false)]).toEqual([
      undefined,
      60,
      undefined,
    ]);
  });

  it("serves so many at once, and the next when one has ended", () => {
    const limit = new SecondaryLimit({ ...roomy, concurrent: 1 }, () => 0);
    expect([limit.begin("a", false), limit.begin("a", false)]).toEqual([undefined, 60]);
    expect(limit.begin("b", false)).toBeUndefined();
    limit.end("a");
    expect(limit.begin("a", false)).toBeUndefined();
  });
});
