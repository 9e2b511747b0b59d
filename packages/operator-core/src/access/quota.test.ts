import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { actionWorld, anAction, aRequest } from "../testing/action-world.ts";
import type { ActionWorld } from "../testing/action-world.ts";
import { decideQuota, defaultQuota, quotaSentence } from "./quota.ts";
import type { Quota, Usage } from "./quota.ts";

const now = new Date("2026-01-01T12:00:00Z");
const ago = (seconds: number, bytes = 10) => ({
  at: new Date(now.getTime() - seconds * 1000),
  bytes,
});

describe("whether one more fits", () => {
  const cases: [name: string, usage: Usage, bytes: number, expected: object][] = [
    ["nothing asked for yet", usage([]), 10, { allowed: true }],
    ["one below each limit", usage([ago(50), ago(20)], 1), 10, { allowed: true }],
    ["as many open as may be", usage([], 2), 10, no("open", null)],
    [
      "a full minute: when its oldest is over",
      usage([ago(50), ago(20), ago(1)]),
      10,
      no("perMinute", 10),
    ],
    ["a minute that was full", usage([ago(60), ago(20), ago(1)]), 10, { allowed: true }],
    [
      "a full hour",
      usage([3000, 2000, 1900, 1000, 500].map((at) => ago(at))),
      10,
      no("perHour", 600),
    ],
    ["bytes that just fit", usage([ago(100, 80)]), 20, { allowed: true }],
    [
      "one byte too many: when enough is over",
      usage([ago(3500, 20), ago(100, 60)]),
      21,
      no("bytesPerHour", 100),
    ],
    [
      "more than one has to be over",
      usage([ago(3500, 20), ago(100, 60)]),
      90,
      no("bytesPerHour", 3500),
    ],
    ["more bytes than ever fit", usage([]), 101, no("bytesPerHour", null)],
  ];

  it.each(cases)("%s", (_, used, bytes, expected) => {
    const quota: Quota = { perMinute: 3, perHour: 5, bytesPerHour: 100, open: 2 };
    expect(decideQuota(quota, used, { bytes, now })).toMatchObject(expected);
  });

  it("is never so where a quota is nothing", () => {
    const nothing: Quota = { perMinute: 0, perHour: 0, bytesPerHour: 0, open: 0 };
    expect(decideQuota(nothing, usage([]), { bytes: 1, now })).toMatchObject({ allowed: false });
  });
});

it.each([
  [no("perMinute", 7), "try again in 7 s"],
  [no("open", null), "wait until one has ended"],
  [no("bytesPerHour", null), "ask for less"],
])("the sentence says when to come again", (decision, when) => {
  const sentence = quotaSentence("ada", { ...decision, detail: "3 of 3" });
  expect(sentence).toContain("The quota of ada");
  expect(sentence).toContain(when);
});

describe("a proposed action", () => {
  let world: ActionWorld;
  beforeAll(async () => {
    const quota = { ...defaultQuota("propose"), open: 2 };
    world = await actionWorld([anAction()], {
      quotaOf: ({ requester }) => (requester.name === "jarvis" ? quota : null),
    });
  });
  afterAll(() => world.close());

  it("is refused beyond its requester's quota, from what the database holds, and others are not", async () => {
    const twoAndMore = await Promise.allSettled(
      [1, 2, 3, 4].map(async () => await world.executor.propose(aRequest())),
    );
    expect(twoAndMore.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    const refused = twoAndMore.find(({ status }) => status === "rejected");
    expect(refused).toMatchObject({ reason: { code: "quota-exceeded" } });
    await world.executor.propose(aRequest({ requester: { kind: "user", name: "ada" } }));
  });

  it("fits again once one has ended", async () => {
    const [first] = await world.auditor.getEvents({ eventType: "proposed" });
    const by = { kind: "user", name: "ada" } as const;
    await world.executor.reject(first?.proposalId ?? 0, { by, reason: "make room" });
    expect(await world.executor.propose(aRequest())).toMatchObject({ state: "proposed" });
  });
});

function usage(times: Usage["times"], open = 0): Usage {
  return { times, open };
}

function no<Limit extends keyof Quota>(limit: Limit, retryAfterSeconds: number | null) {
  return { allowed: false, limit, retryAfterSeconds } as const;
}
