import { describe, expect, it } from "vitest";
import { decidePromotion, type PromotionFacts, type ReportedStatus } from "./promotion-gate.ts";

const EVIDENCE = "Verified in the sandbox; evidence sha256:ours";

describe("decidePromotion", () => {
  it("promotes when every fact says yes", () => {
    expect(decidePromotion(facts())).toEqual({ promote: true });
  });

  it.each<[string, Partial<PromotionFacts>, string[]]>([
    ["the pause", { paused: true, pauseReason: "freeze" }, ["promotion-paused"]],
    ["observe mode", { mode: "observe" }, ["observe-only"]],
    ["both switches", { paused: true, mode: "observe" }, ["promotion-paused", "observe-only"]],
    ["a change that is still watched", { watched: "Count faster" }, ["health-window-open"]],
    ["a rollback that is not reverted", { unreverted: "Count faster" }, ["rollback-required"]],
    ["a base that moved", { currentBaseSha: "other" }, ["base-moved"]],
    // Named with it, the base that moved would end a run that only waits.
    [
      "a base that moved under a change that waits",
      { currentBaseSha: "other", watched: "Count faster" },
      ["health-window-open"],
    ],
    ["no status at all", { statuses: [] }, ["status-missing"]],
    ["a pending status", { statuses: [status("pending")] }, ["status-pending"]],
    ["a failing status", { statuses: [status("failure")] }, ["status-failing"]],
    ["an error status", { statuses: [status("error")] }, ["status-failing"]],
    ["a state that nobody knows", { statuses: [status("sure")] }, ["status-failing"]],
    ["a missing required status of others", { requiredContexts: ["ci/build"] }, ["status-missing"]],
    ["protection that cannot be read", { requiredContexts: undefined }, ["status-missing"]],
    ["merging into a base that is not strict", { landing: "merge" }, ["base-not-strict"]],
  ])("blocks on %s", (_, overrides, reasons) => {
    expect(decidePromotion(facts(overrides))).toMatchObject({ promote: false, reasons });
  });

  it("lets a revert pass while promotion is paused, and not while Jarvis only observes", () => {
    expect(decidePromotion(facts({ isRevert: true, paused: true }))).toEqual({ promote: true });
    const observing = facts({ isRevert: true, mode: "observe" });
    expect(decidePromotion(observing)).toMatchObject({ reasons: ["observe-only"] });
    const unverified = facts({ isRevert: true, statuses: [] });
    expect(decidePromotion(unverified)).toMatchObject({ reasons: ["status-missing"] });
  });

  it("believes the newest status of a context, not the kindest", () => {
    const statuses = [status("failure"), status("success")];
    expect(decidePromotion(facts({ statuses }))).toMatchObject({ reasons: ["status-failing"] });
  });

  it("does not take the success of another context for the missing one", () => {
    const statuses = [status("success", { context: "commit-lint" })];
    expect(decidePromotion(facts({ statuses }))).toMatchObject({ reasons: ["status-missing"] });
  });
});

describe("a status of our name", () => {
  const others: [string, Partial<ReportedStatus>][] = [
    ["somebody else wrote", { creatorId: 8 }],
    ["nobody is named for", { creatorId: null }],
    ["tells of other evidence", { description: "Verified in the sandbox; evidence sha256:other" }],
    ["tells of no evidence", { description: null }],
  ];

  it.each(others)("does not count where %s it", (_, overrides) => {
    const statuses = [status("success", overrides)];
    expect(decidePromotion(facts({ statuses }))).toMatchObject({ reasons: ["status-missing"] });
  });

  it.each(others)("is not helped by an earlier one of ours where %s it", (_, overrides) => {
    const statuses = [status("failure", overrides), status("success")];
    expect(decidePromotion(facts({ statuses }))).toMatchObject({ reasons: ["status-missing"] });
    const overridden = [status("success"), status("failure", overrides)];
    expect(decidePromotion(facts({ statuses: overridden }))).toEqual({ promote: true });
  });

  it("is the only one whose writer matters", () => {
    const ci = status("success", { context: "ci/build", creatorId: 8, description: null });
    const statuses = [ci, status("success")];
    const requiredContexts = ["ci/build"];
    expect(decidePromotion(facts({ statuses, requiredContexts }))).toEqual({ promote: true });
  });
});

function status(state: string, overrides: Partial<ReportedStatus> = {}): ReportedStatus {
  return { context: "jarvis/sandbox", state, creatorId: 7, description: EVIDENCE, ...overrides };
}

function facts(overrides: Partial<PromotionFacts> = {}): PromotionFacts {
  return {
    paused: false,
    pauseReason: "",
    mode: "execute",
    ledger: null,
    watched: null,
    unreverted: null,
    isRevert: false,
    requiredContexts: ["jarvis/sandbox"],
    statuses: [status("success")],
    ownAccountId: 7,
    evidenceDescription: EVIDENCE,
    verifiedBaseSha: "base",
    currentBaseSha: "base",
    landing: "fast-forward",
    strict: false,
    ...overrides,
  };
}
