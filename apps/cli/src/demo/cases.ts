import type { BlockReason, RunResult } from "@jarvis/tools/ledger";

/** One change of the demonstration: the patch, and what has to become of it. */
export interface DemoCase {
  readonly patch: string;
  readonly title: string;
  readonly expect: {
    readonly status: RunResult["status"];
    readonly reasons: readonly BlockReason[];
    /** The stage that has to say no. */
    readonly failedStage?: string;
    readonly category?: string;
  };
  /** What the body that runs has to answer once the change is blessed. */
  readonly question?: { readonly tool: string; readonly input: unknown; readonly output: unknown };
  /** Its failing tests are attempts that the sandbox refused; at least so many have to be shown. */
  readonly refusedAttempts?: number;
}

const blocked = (failedStage: string, category: string): DemoCase["expect"] => ({
  status: "blocked",
  reasons: [
    category === "verdict-not-trusted" ? "verdict-not-trusted" : "isolated-verification-failed",
  ],
  failedStage,
  category,
});

/** The changes that are handed in one after the other; those that meet a switch come after them. */
export const cases: readonly DemoCase[] = [
  {
    patch: "1-useful-tool.patch",
    title: "Add a tool that reads durations",
    expect: { status: "blessed", reasons: [] },
    question: {
      tool: "duration-parse",
      input: { text: "2h 5m" },
      output: { milliseconds: 7_500_000 },
    },
  },
  {
    patch: "2-failing-tests.patch",
    title: "Count lines in a simpler way",
    expect: blocked("tool-tests", "tests-failed"),
  },
  {
    patch: "3a-reads-secrets.patch",
    title: "Hostile: read secrets",
    expect: blocked("tool-tests", "tests-failed"),
    refusedAttempts: 8,
  },
  {
    patch: "3b-reaches-the-network.patch",
    title: "Hostile: reach the network",
    expect: blocked("tool-tests", "tests-failed"),
    refusedAttempts: 4,
  },
  {
    patch: "3c-writes-outside.patch",
    title: "Hostile: write outside",
    expect: blocked("tool-tests", "tests-failed"),
    refusedAttempts: 8,
  },
  {
    patch: "3d-outlives-its-timeout.patch",
    title: "Hostile: outlive the timeout",
    expect: blocked("release-contract", "wall-timeout"),
  },
  {
    patch: "3e-silences-vitest.patch",
    title: "Hostile: silence vitest",
    expect: blocked("tool-tests", "verdict-not-trusted"),
  },
  {
    patch: "3f-silences-node-test.patch",
    title: "Hostile: silence node:test",
    expect: blocked("release-contract", "verdict-not-trusted"),
  },
  {
    patch: "3g-lies-about-known-tests.patch",
    title: "Hostile: lie about known tests",
    expect: blocked("smoke", "smoke-failed"),
  },
];

/** Handed in again, and killed before there is a verdict: any change that does not land would do. */
export const killedCase = {
  patch: "2-failing-tests.patch",
  title: "Count lines in a simpler way",
} as const;

/** Changes that pass every gate and degrade what runs. */
export const degradingCases = [
  { patch: "5a-tools-begin-to-fail.patch", title: "Degrading: a tool begins to fail" },
  { patch: "5b-stops-its-heartbeat.patch", title: "Degrading: the heartbeat stops" },
  { patch: "5c-leaks-memory.patch", title: "Degrading: memory leaks" },
] as const;

/** A good change that meets observe-only mode first, then the pause. */
export const switchedCase = {
  patch: "4-while-paused.patch",
  title: "Add a tool that makes slugs",
} as const;

/** What is not as it had to be; empty where everything is. Pure. */
export function deviations(demo: DemoCase, result: RunResult): string[] {
  const expected = demo.expect;
  const found: string[] = [];
  const compare = (name: string, got: unknown, wanted: unknown): void => {
    const same = JSON.stringify(got) === JSON.stringify(wanted);
    if (!same) found.push(`${name} is ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`);
  };
  compare("outcome", result.status, expected.status);
  compare("reasons", result.blockReasons, expected.reasons);
  if (expected.failedStage !== undefined) {
    compare("failed stage", result.verificationFailedStage, expected.failedStage);
  }
  if (expected.category !== undefined) {
    compare("category", result.verificationFailureCategory, expected.category);
  }
  if (demo.refusedAttempts !== undefined && refusedAttempts(result).length < demo.refusedAttempts) {
    found.push(
      `${refusedAttempts(result).length} attempts were refused, expected ${demo.refusedAttempts}`,
    );
  }
  return found;
}

/** A hostile example tests that its attempt succeeds, so every failing test of it is a refusal. */
export function refusedAttempts(result: RunResult): string[] {
  return result.verificationDiagnostics
    .flatMap((stage) => stage.failingTests)
    .map((name) => name.replace(/^.* > /, ""));
}
