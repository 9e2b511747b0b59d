import { describe, expect, it } from "vitest";
import { decidePromotion, type PromotionFacts } from "./promotion-gate.ts";

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
    const statuses = [{ context: "commit-lint", state: "success" }];
    expect(decidePromotion(facts({ statuses }))).toMatchObject({ reasons: ["status-missing"] });
  });
});

function status(state: string) {
  return { context: "jarvis/sandbox", state };
}

function facts(overrides: Partial<PromotionFacts> = {}): PromotionFacts {
  return {
    paused: false,
    pauseReason: "",
    mode: "execute",
    watched: null,
    unreverted: null,
    isRevert: false,
    requiredContexts: ["jarvis/sandbox"],
    statuses: [status("success")],
    verifiedBaseSha: "base",
    currentBaseSha: "base",
    landing: "fast-forward",
    strict: false,
    ...overrides,
  };
}
