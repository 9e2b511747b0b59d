import { expect, it } from "vitest";

import { FaultPlan, type Call } from "./fault-plan.ts";
import { FaultOrder, type FaultInput } from "./fault.ts";

const merge: Call = {
  method: "PUT",
  path: "/repos/local/jarvis/pulls/7/merge",
  operation: "pulls/merge",
  login: "jarvis[bot]",
};

it("fires at the n-th call that matches, so many times, and counts what it saw", () => {
  const plan = planOf({ match: { operation: "pulls/merge", nth: 2, times: 2 } });
  const other: Call = { ...merge, operation: "users/get-authenticated" };
  const calls = [merge, other, merge, merge, merge];
  expect(calls.map((call) => plan.take(call).length)).toEqual([0, 0, 1, 1, 0]);
  expect(plan.list()).toMatchObject([{ id: 1, seen: 4, fired: 2 }]);
  plan.clear();
  expect(plan.list()).toEqual([]);
});

it.each([
  [{}, true],
  [{ operation: "pulls/merge" }, true],
  [{ operation: "pulls/get" }, false],
  [{ login: "jarvis[bot]" }, true],
  [{ login: "operator" }, false],
  [{ method: "PUT" as const }, true],
  [{ method: "GET" as const, operation: "pulls/merge" }, false],
  [{ path: "/repos/local/jarvis/pulls/*/merge" }, true],
  [{ path: "/repos/{owner}/{repo}/pulls/{pull_number}/merge" }, true],
  [{ path: "/repos/**" }, true],
  [{ path: "/repos/*" }, false],
  [{ path: "/repos/local/jarvis/pulls/7" }, false],
  [{ path: "/repos/local/jarvis/pulls/./merge" }, false],
])("matches %j: %s", (match, expected) => {
  expect(planOf({ match }).take(merge)).toHaveLength(expected ? 1 : 0);
});

it("lets reads alone be stale", () => {
  const plan = planOf({ fault: { kind: "stale-read" } });
  expect(plan.take(merge)).toEqual([]);
  expect(plan.take({ ...merge, method: "GET" })).toEqual([{ kind: "stale-read", changesBack: 1 }]);
});

it("fires all that are due at one call, in the order in which they were ordered", () => {
  const plan = planOf({ fault: { kind: "delay", ms: 5 } });
  plan.order(FaultOrder.parse({ fault: { kind: "error", status: 503 } }));
  expect(plan.take(merge).map(({ kind }) => kind)).toEqual(["delay", "error"]);
});

function planOf(order: Partial<FaultInput>): FaultPlan {
  const plan = new FaultPlan();
  plan.order(FaultOrder.parse({ fault: { kind: "error" }, ...order }));
  return plan;
}
