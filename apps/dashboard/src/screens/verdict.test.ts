import { describe, expect, it } from "vitest";
import { verdictOf, type Judged } from "./verdict.ts";

describe("the sentence about how things are", () => {
  it("is good news where nothing waits", () => {
    expect(verdictOf(a({}))).toEqual({ tone: "good", sentence: "Jarvis is well.", notes: [] });
  });

  it("says of a kernel that stands by who leads, and not that it is well", () => {
    const because = "This kernel stands by: the kernel on b (process 7, http://b:1) leads.";
    const waits = a({
      kernel: { role: "standby" },
      wayOut: { state: "standby", because, command: null },
    });
    expect(verdictOf(waits)).toEqual({ tone: "info", sentence: because, notes: [] });
  });

  it("asks for a person where something is broken, before it speaks of switches", () => {
    const broken = a({ lastProblem: "no disk", safety: safetyOf({ mode: "observe" }) });
    expect(verdictOf(broken)).toMatchObject({ tone: "bad", sentence: "Something needs you." });
  });

  it("does not call a Jarvis that was killed one that tests", () => {
    const killed = a({ safety: safetyOf({ mode: "observe", killSwitch: true }) });
    expect(verdictOf(killed)).toMatchObject({
      tone: "bad",
      sentence: expect.stringContaining("nothing is tested") as unknown,
    });
  });
});

function safetyOf(change: Partial<Judged["safety"]>): Judged["safety"] {
  const safety = { mode: "execute", reason: "a test", killSwitch: false } as const;
  return { ...safety, updatedBy: "a", updatedAt: "2026-01-01T00:00:00.000Z", ...change };
}

function a(change: Partial<Judged>): Judged {
  return {
    kernel: { role: "leads" },
    wayOut: { state: "clear", because: "Nothing waits for anybody.", command: null },
    safety: safetyOf({}),
    promotion: { paused: false, reason: "", updatedBy: "", updatedAt: "", problem: null },
    sandbox: { available: true, tier: "bubblewrap", message: null },
    database: { server: "embedded", ledger: "append-only", guard: "enforced", mendSql: null },
    body: null,
    openRuns: [],
    lastProblem: null,
    ...change,
  };
}
