import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePromotionWorld, type PromotionWorld } from "../testing/promotion-world.ts";
import { memoryWorld } from "../testing/schedules/memory-world.ts";
import { realWorld } from "../testing/schedules/real-world.ts";
import {
  runSchedule,
  type ScheduleShape,
  type ScheduleWorld,
} from "../testing/schedules/run-schedule.ts";
import { makeScheduler, type Scheduler } from "../testing/schedules/scheduler.ts";
import type { PromotionStore } from "./promotion-store.ts";

/*
 * Every order is a seed: JARVIS_SCHEDULE_SEED names the first one. `pnpm sweep` runs 10,000 in memory
 * and 1,000 on the database and the forge; JARVIS_SCHEDULES=100 that many of each.
 */
const isWhole = process.env["JARVIS_SWEEP"] === "1";
const wanted = (usual: number): number => Number(process.env["JARVIS_SCHEDULES"] ?? usual);
const inMemory = wanted(isWhole ? 10_000 : 2000);
const onReal = wanted(isWhole ? 1000 : 40);
const firstSeed = Number(process.env["JARVIS_SCHEDULE_SEED"] ?? 1);
const seeds = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => firstSeed + index);
/** Orders in memory that once broke a promise. */
const mended = [2569, 6351, 9086];

interface Tally {
  readonly landed: number;
  readonly acknowledged: number;
  readonly parked: Readonly<Record<string, number>>;
}

describe("runs, a base that moves, and an operator who pauses and resumes", () => {
  it(`keep every promise in ${inMemory} orders, on a host that goes wrong`, async () => {
    const tally = await runSeeds([...seeds(inMemory), ...mended], inMemoryWorld);
    // Nothing is shown where nothing happens.
    expect(tally.landed).toBeGreaterThan(inMemory);
    expect(tally.acknowledged).toBeGreaterThan(inMemory);
    expect(Object.keys(tally.parked).toSorted()).toEqual([
      "github-not-connected",
      "landing-unresolved",
      "promotion-paused",
    ]);
  }, 600_000);

  it("break them where the switch is only read before, and nothing is asked again", async () => {
    const naive = (store: PromotionStore): PromotionStore => ({
      ...store,
      letThrough: async () => await Promise.resolve("through"),
    });
    const naively = runSeeds(seeds(500), (scheduler) => {
      const { settling, ...world } = inMemoryWorld(scheduler, { isFenced: false });
      return { ...world, settling: { ...settling, store: naive(settling.store) } };
    });
    await expect(naively).rejects.toThrow(/^seed \d+: .*landed after a pause was acknowledged/);
  });
});

describe("the same, on the database and the forge", () => {
  let suite: PromotionWorld;

  beforeAll(async () => {
    // As many requests as a thousand schedules make is more than GitHub takes in an hour.
    suite = await makePromotionWorld({}, { forge: { rateLimits: { perHour: 1_000_000 } } });
  });

  afterAll(async () => await suite.close());

  it(
    `keep every promise in ${onReal} orders`,
    async () => {
      const tally = await runSeeds(
        seeds(onReal),
        (scheduler) => realWorld(suite.world, scheduler),
        // The sample is small ones: each request of theirs costs a git or two.
        isWhole ? anyShape : () => ({ runs: 2, pushes: 1, pauses: 1 }),
      );
      expect(tally.landed).toBeGreaterThan(onReal);
      expect(tally.acknowledged).toBeGreaterThan(0);
      const { landed, acknowledged } = tally;
      process.stdout.write(
        `schedules: ${onReal} on the database and the forge, ${landed} landed, ${acknowledged} pauses acknowledged\n`,
      );
    },
    isWhole ? 7_200_000 : 600_000,
  );
});

function inMemoryWorld(
  scheduler: Scheduler,
  { isFenced = scheduler.chance(0.8) }: { isFenced?: boolean } = {},
): ScheduleWorld {
  const refused = scheduler.between(0, 4);
  return memoryWorld(scheduler, { isFenced, refused, lost: scheduler.between(0, 6) });
}

function anyShape(scheduler: Scheduler): ScheduleShape {
  return {
    runs: scheduler.between(2, 4),
    pushes: scheduler.between(0, 3),
    pauses: scheduler.between(1, 3),
  };
}

async function runSeeds(
  chosen: readonly number[],
  makeWorld: (scheduler: Scheduler) => ScheduleWorld,
  shapeOf = anyShape,
): Promise<Tally> {
  const parked: Record<string, number> = {};
  let landed = 0;
  let acknowledged = 0;
  for (const seed of chosen) {
    const scheduler = makeScheduler(seed);
    const shape = shapeOf(scheduler);
    try {
      const result = await runSchedule(scheduler, makeWorld(scheduler), `s${seed}`, shape);
      acknowledged += result.acknowledged;
      landed += Object.values(result.endings).filter((ending) => ending === "landed").length;
      for (const [reason, times] of Object.entries(result.parked)) {
        parked[reason] = (parked[reason] ?? 0) + times;
      }
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    }
  }
  return { landed, acknowledged, parked };
}
