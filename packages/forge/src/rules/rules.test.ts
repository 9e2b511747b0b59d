import { describe, expect, it } from "vitest";

import type { ProtectionDocument, PullDocument, StatusDocument } from "../state/documents.ts";
import { followBranches, type PullFacts } from "./pull-lifecycle.ts";
import { decideMerge, mergeableState, type MergeFacts } from "./pull-merge.ts";
import { rulesOf, type BranchRules } from "./branch-rules.ts";
import { decideRefMove, type RefMove } from "./ref-move.ts";
import { combinedState, latestStatuses, unmetStatuses } from "./required-statuses.ts";

describe("a required status", () => {
  it.each([
    ["no status at all", [], 'Required status check "ci" is expected.'],
    [
      "another context",
      [reported(1, "lint", "success")],
      'Required status check "ci" is expected.',
    ],
    ["pending", [reported(1, "ci", "pending")], 'Required status check "ci" is pending.'],
    ["failure", [reported(1, "ci", "failure")], 'Required status check "ci" is failing.'],
    ["error", [reported(1, "ci", "error")], 'Required status check "ci" is failing.'],
    [
      "success that failed later",
      [reported(1, "ci", "success"), reported(2, "ci", "failure")],
      'Required status check "ci" is failing.',
    ],
    [
      "failure that passed later",
      [reported(1, "ci", "failure"), reported(2, "ci", "success")],
      undefined,
    ],
    ["success", [reported(1, "ci", "success")], undefined],
  ])("answers %s", (_, statuses, expected) => {
    expect(unmetStatuses(protection("ci"), statuses)).toBe(expected);
  });

  it("names every one that is unmet", () => {
    expect(unmetStatuses(protection("a", "b", "c"), [reported(1, "b", "success")])).toBe(
      '2 of 3 required status checks have not succeeded: "a" is expected, "c" is expected.',
    );
  });

  it("that is bound to an app is given by nobody else", () => {
    const bound: ProtectionDocument = {
      requiredStatuses: { strict: true, contexts: ["ci"], apps: { ci: 1 } },
      enforceAdmins: true,
    };
    const byApp = { ...reported(1, "ci", "success"), creator: "jarvis[bot]" };
    const byPerson = { ...reported(2, "ci", "success"), creator: "operator" };
    const expected = 'Required status check "ci" is expected.';
    expect(unmetStatuses(bound, [byApp])).toBeUndefined();
    expect(unmetStatuses(bound, [byPerson])).toBe(expected);
    // Nor taken away: what somebody else says later does not count either.
    expect(unmetStatuses(bound, [byApp, { ...byPerson, state: "failure" }])).toBeUndefined();
    const other = { ...bound, requiredStatuses: { ...bound.requiredStatuses!, apps: { ci: 2 } } };
    expect(unmetStatuses(other, [byApp, byPerson])).toBe(expected);
  });

  it("is no question where nothing is protected", () => {
    expect(unmetStatuses(undefined, [])).toBeUndefined();
  });
});

describe("the combined state", () => {
  it.each([
    [[], "pending"],
    [["success", "success"], "success"],
    [["success", "pending"], "pending"],
    [["pending", "error"], "failure"],
    [["success", "failure"], "failure"],
  ] as const)("of %j is %s", (states, expected) => {
    const statuses = states.map((state, index) => reported(index + 1, `c${index}`, state));
    expect(combinedState(latestStatuses(statuses))).toBe(expected);
  });
});

describe("moving a branch", () => {
  it.each<[string, Partial<RefMove>, string | undefined]>([
    ["forward", {}, undefined],
    ["aside", { fastForward: false }, "Update is not a fast forward"],
    ["aside by force", { fastForward: false, force: true }, undefined],
    ["away", { new: undefined }, undefined],
    ["a protected one away", { new: undefined, rules: rules() }, "Cannot delete this branch"],
    [
      "a protected one aside by force",
      { fastForward: false, force: true, rules: rules() },
      "Cannot force-push to this branch",
    ],
    ["a protected one forward to green", { rules: rules("ci") }, undefined],
    ["a protected one forward to red", { rules: rules("ci"), unmetStatuses: "red" }, "red"],
    [
      "a protected one forward to red by force",
      { rules: rules("ci"), unmetStatuses: "red", force: true },
      "red",
    ],
    [
      "a protected one nowhere",
      { new: headSha(), rules: rules("ci"), unmetStatuses: "red" },
      undefined,
    ],
    [
      "a protected one into being",
      { old: undefined, rules: rules("ci"), unmetStatuses: "red" },
      undefined,
    ],
  ])("%s", (_, overrides, reason) => {
    const decision = decideRefMove({
      old: headSha(),
      new: "b".repeat(40),
      force: false,
      fastForward: true,
      rules: undefined,
      unmetStatuses: undefined,
      ...overrides,
    });
    expect(decision.allowed ? undefined : decision.reason).toBe(reason);
  });
});

describe("merging", () => {
  it.each<[string, Partial<MergeFacts>, number | undefined, string]>([
    ["clean", {}, undefined, "clean"],
    ["not computed yet", { mergeable: undefined }, 405, "unknown"],
    ["in conflict", { mergeable: false }, 405, "dirty"],
    ["draft", { pull: { state: "open", draft: true, headSha: headSha() } }, 405, "draft"],
    ["red", { rules: rules("ci"), unmetStatuses: "red" }, 405, "blocked"],
    ["behind a strict base", { rules: rules("ci"), upToDate: false }, 405, "behind"],
    [
      "behind a base that is not strict",
      { rules: { ...rules(), requiredStatuses: null }, upToDate: false },
      undefined,
      "clean",
    ],
    ["red where nothing requires it", { optionalUnsuccessful: true }, undefined, "unstable"],
    ["with another head than wanted", { expectedHead: "c".repeat(40) }, 409, "clean"],
    ["with the head wanted", { expectedHead: headSha() }, undefined, "clean"],
    ["closed", { pull: { state: "closed", draft: false, headSha: headSha() } }, 405, "clean"],
  ])("%s", (_, overrides, status, state) => {
    const facts: MergeFacts = {
      pull: { state: "open", draft: false, headSha: headSha() },
      expectedHead: undefined,
      mergeable: true,
      rules: undefined,
      unmetStatuses: undefined,
      upToDate: true,
      optionalUnsuccessful: false,
      ...overrides,
    };
    const decision = decideMerge(facts);
    expect(decision.allowed ? undefined : decision.status).toBe(status);
    expect(mergeableState(facts)).toBe(state);
  });
});

describe("a pull request whose branches moved", () => {
  const newer = "b".repeat(40);
  const base = "d".repeat(40);

  it.each<[string, Partial<PullFacts>, Partial<PullDocument>]>([
    ["stays as it is", {}, { state: "open", headSha: headSha() }],
    ["follows its head", { head: newer }, { state: "open", headSha: newer }],
    [
      "is merged when its base contains its head",
      { base: newer, headInBase: true },
      { state: "closed", mergeCommitSha: headSha(), mergedBy: "jarvis[bot]" },
    ],
    [
      "is merged when its branch went away in the same push",
      { head: undefined, base: newer, headInBase: true },
      { state: "closed", mergeCommitSha: headSha() },
    ],
    [
      "is closed and not merged when its head is reset onto its base",
      { head: newer, headInBase: true, headInSeenBase: true },
      { state: "closed", mergedAt: null },
    ],
    ["is closed when its head goes away", { head: undefined }, { state: "closed", mergedAt: null }],
    ["is closed when its base goes away", { base: undefined }, { state: "closed", mergedAt: null }],
  ])("%s", (_, facts, expected) => {
    expect(followBranches(pull(), { ...unchanged(), ...facts })).toMatchObject(expected);
  });

  it("is merged as announced when the base shows that the merge landed", () => {
    const landing = { from: base, to: newer, by: "operator", at: "2026-01-01T00:00:00.000Z" };
    const followed = followBranches({ ...pull(), landing }, { ...unchanged(), landed: true });
    expect(followed).toMatchObject({ mergeCommitSha: newer, mergedBy: "operator", landing: null });
  });

  it("is open again when an announced merge did not land", () => {
    const landing = { from: base, to: newer, by: "operator", at: "2026-01-01T00:00:00.000Z" };
    const followed = followBranches({ ...pull(), landing }, unchanged());
    expect(followed).toMatchObject({ state: "open", mergedAt: null, landing: null });
  });

  function unchanged(): PullFacts {
    return {
      head: headSha(),
      base,
      headInBase: false,
      headInSeenBase: false,
      landed: false,
      now: "2026-01-02T00:00:00.000Z",
      actor: "jarvis[bot]",
    };
  }

  function pull(): PullDocument {
    return {
      number: 1,
      title: "t",
      body: null,
      state: "open",
      draft: false,
      author: "jarvis[bot]",
      headRef: "feature",
      headSha: headSha(),
      baseRef: "main",
      baseSha: base,
      baseSeen: base,
      createdAt: "2026-01-01T00:00:00.000Z",
      updatedAt: "2026-01-01T00:00:00.000Z",
      closedAt: null,
      mergedAt: null,
      mergedBy: null,
      mergeCommitSha: null,
      landing: null,
    };
  }
});

function headSha(): string {
  return "a".repeat(40);
}

function protection(...contexts: string[]): ProtectionDocument {
  return { requiredStatuses: { strict: true, contexts }, enforceAdmins: true };
}

function rules(...contexts: string[]): BranchRules {
  const facts = { protections: { main: protection(...contexts) }, rulesets: [] };
  return rulesOf("main", { ...facts, defaultBranch: "main" }) ?? expect.fail();
}

function reported(id: number, context: string, state: StatusDocument["state"]): StatusDocument {
  return {
    id,
    context,
    state,
    description: null,
    targetUrl: null,
    creator: "jarvis[bot]",
    createdAt: "2026-01-01T00:00:00.000Z",
  };
}
