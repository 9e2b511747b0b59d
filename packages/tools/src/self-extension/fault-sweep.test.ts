import { sliceOf } from "@jarvis/db/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { validateAgainstGitHub, type ObservedContract } from "@jarvis/forge/testing";
import {
  acceptBase,
  logLength,
  requestsSince,
  sweepOne,
  sweptFaults,
} from "../testing/fault-sweep.ts";
import { makePromotionWorld, type PromotionWorld } from "../testing/promotion-world.ts";
import { requestsOf } from "./rate-budget.ts";

let suite: PromotionWorld;
let contract: ObservedContract;
/** The calls of a promotion by which nothing goes wrong, in their order. */
let calls: string[];
let firstCalls: number;

beforeAll(async () => {
  suite = await makePromotionWorld(
    {},
    { forge: { faults: true, rateLimits: { perHour: 1_000_000 } } },
  );
  contract = validateAgainstGitHub(suite.world.github.octokit);
  const countCalls = async (): Promise<string[]> => {
    const runId = await suite.world.submit(suite.patch());
    const { stagedSha } = await suite.world.steps.stage(runId, 1);
    await suite.world.steps.verify(runId, stagedSha ?? "");
    const since = logLength(suite);
    const outcome = await suite.world.steps.promote(runId, stagedSha ?? "", 1);
    expect(outcome.promoted).toBe(true);
    return requestsSince(suite, since).map(({ method, path }) => `${method} ${path}`);
  };
  // The very first one also says on the host whose repository it is.
  firstCalls = (await countCalls()).length;
  calls = await countCalls();
});

afterAll(async () => await suite.close());

it("asks no more of the host than the budget that is read before it says", () => {
  expect(firstCalls).toBeGreaterThan(calls.length);
  expect(Math.ceil(firstCalls * 1.3)).toBeLessThanOrEqual(requestsOf({ changes: [] }));
});

it("ends alike whatever goes wrong at its calls, with one of each effect", async () => {
  const isWhole = process.env["JARVIS_SWEEP"] === "1";
  const points = calls.map((_, index) => index + 1);
  const all = points.flatMap((point) => sweptFaults.map((swept) => [{ at: point, swept }]));
  const cases = isWhole
    ? sliceOf(all, process.env["JARVIS_SWEEP_SLICE"], (faults) =>
        describeFaults(faults).join(" and "),
      )
    : sample(points);
  const violations: string[] = [];
  const kept: string[] = [];
  let struck = 0;
  for (const faults of cases) {
    const what = describeFaults(faults);
    const result = await sweepOne(suite, faults);
    struck += result.struck === 0 ? 0 : 1;
    if (result.kept !== null) kept.push(result.kept);
    for (const each of result.violations) {
      violations.push(`${what.join(" and ")}: ${each}`);
      // A whole sweep takes long: what it finds is told at once.
      process.stdout.write(`${violations.at(-1) ?? ""}\n`);
    }
    await acceptBase(suite);
  }
  // What an earlier one could not clear away, the next one has.
  expect((await suite.world.propose(suite.patch())).result.success).toBe(true);
  expect((await suite.host()).branches.toSorted()).toEqual(kept.toSorted());
  process.stdout.write(
    `fault sweep: ${points.length} calls x ${sweptFaults.length} faults, ${cases.length} runs, ${struck} struck, ${violations.length} violations\n`,
  );
  expect(violations).toEqual([]);
  expect(contract.violations).toEqual([]);
  // A fault at a call that is not reached any more shows nothing.
  expect(struck).toBeGreaterThan(cases.length * 0.9);
}, 7_200_000);

type Ordered = { readonly at: number; readonly swept: (typeof sweptFaults)[number] };

function describeFaults(faults: readonly Ordered[]): string[] {
  return faults.map(({ at, swept }) => `${swept.name} at ${at} (${calls[at - 1] ?? ""})`);
}

/** A few runs in which something goes wrong three times, spread over calls and faults. */
function sample(points: readonly number[]): Ordered[][] {
  const staying = sweptFaults.filter(({ movesBase }) => !movesBase);
  return Array.from({ length: 3 }, (_, run) =>
    [0, 1, 2].map((part) => ({
      at: 1 + ((run * 5 + part * 13) % points.length),
      swept: staying[(run * 3 + part) % staying.length] ?? expect.fail(),
    })),
  );
}
