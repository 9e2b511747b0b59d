import { describe, expect, it } from "vitest";
import { baseObstacles, WORK_BRANCHES, workBranchObstacles } from "./branch-obstacles.ts";
import { noProtection, protectionWith, type BranchRule, type HeldRule } from "./branch-rules.ts";

const fence = "jarvis/promotion";

describe("what a base asks for", () => {
  const own = { contexts: ["ci"], strict: false, ofEverybody: [], ofUsers: ["ci"] };

  it("is what its protection or a ruleset asks for", () => {
    expect(protectionWith(own, [held(checks(true, { context: fence }))])).toEqual({
      contexts: ["ci", fence],
      strict: true,
      ofEverybody: [fence],
      ofUsers: ["ci", fence],
    });
    expect(protectionWith(own, [])).toEqual(own);
    expect(protectionWith({ ...own, strict: true }, [])).toMatchObject({ strict: true });
  });

  it("holds nobody by a ruleset that lets us past, and is asked for all the same", () => {
    const past = { rule: checks(true, { context: fence }), isHeld: false };
    expect(protectionWith(noProtection, [past])).toEqual({
      contexts: [fence],
      strict: false,
      ofEverybody: [],
      ofUsers: [],
    });
  });

  it("is not strict by a ruleset that asks for no status", () => {
    expect(protectionWith(noProtection, [held(checks(true))]).strict).toBe(false);
  });

  it("is not changed by rules of other kinds", () => {
    expect(protectionWith(own, [held({ type: "non_fast_forward" })])).toEqual(own);
  });
});

describe("rules that Jarvis could fail at", () => {
  it.each<[string, BranchRule, RegExp | null]>([
    ["no force", { type: "non_fast_forward" }, null],
    ["no deletion", { type: "deletion" }, null],
    ["no creation of what is there", { type: "creation" }, null],
    ["a status of anybody", checks(true, { context: fence }), null],
    ["another's status of an app", checks(true, { context: "ci", integration_id: 3 }), null],
    ["our status of an app", checks(true, { context: fence, integration_id: 3 }), /the app 3 only/],
    ["pull requests only", pulls(0), /`landing` to `merge`/],
    ["reviews", pulls(2), /2 approving reviews/],
    ["no update at all", { type: "update" }, /let Jarvis past/],
    ["no merges", { type: "required_linear_history" }, /fast-forward/],
    ["signatures", { type: "required_signatures" }, /does not know/],
    ["a kind that nobody has heard of", { type: "of_tomorrow" as "update" }, /does not know/],
  ])("of the base: %s", (_, rule, why) => {
    const found = baseObstacles("main", [held(rule)]);
    expect(found.map((each) => each.why)).toEqual(why === null ? [] : [expect.stringMatching(why)]);
    expect(baseObstacles("main", [{ rule, isHeld: false }])).toEqual([]);
  });

  it.each<[string, BranchRule, RegExp | null]>([
    ["no creation", { type: "creation" }, /may not make/],
    ["no deletion", { type: "deletion" }, /cannot remove/],
    ["no merges", { type: "required_linear_history" }, null],
    ["statuses", checks(false, { context: "ci" }), /does not know/],
  ])("of its own branches: %s", (_, rule, why) => {
    const found = workBranchObstacles(WORK_BRANCHES, [held(rule)]);
    expect(found.map((each) => each.why)).toEqual(why === null ? [] : [expect.stringMatching(why)]);
  });
});

function held(rule: BranchRule): HeldRule {
  return { rule, isHeld: true };
}

function checks(
  strict: boolean,
  ...contexts: { context: string; integration_id?: number }[]
): BranchRule {
  return {
    type: "required_status_checks",
    parameters: { strict_required_status_checks_policy: strict, required_status_checks: contexts },
  };
}

function pulls(reviews: number): BranchRule {
  return {
    type: "pull_request",
    parameters: {
      dismiss_stale_reviews_on_push: false,
      require_code_owner_review: false,
      require_last_push_approval: false,
      required_approving_review_count: reviews,
      required_review_thread_resolution: false,
    },
  };
}
