import { Ender } from "./ender.ts";
import { runOnMachine } from "./run.ts";
import { whileListed } from "./running.ts";
import { selfTest, type SelfTest } from "./self-test.ts";
import type {
  SandboxEnding,
  SandboxMeasures,
  SandboxRequest,
  SandboxResult,
  SandboxTier,
} from "./types.ts";

export type SandboxAvailability =
  | { available: true; tier: SandboxTier; version: string }
  /** `message` is one sentence that says what to do. */
  | { available: false; reason: "sandbox-unavailable"; message: string };

/**
 * Runs an argv on a read-only tree under limits and says truthfully how it ended. Never rejects:
 * what keeps it from running, a wrong request included, is `sandbox-error`. It resolves when every
 * process of the sandbox is gone, so that its output directories are still.
 */
export function runInSandbox(request: SandboxRequest): Promise<SandboxResult> {
  // Listed before anything is awaited: the kill switch also ends what has not begun.
  const ender = new Ender();
  return whileListed({ label: "run", about: request.about }, ender, runTested(request, ender));
}

/**
 * Whether this machine can make a sandbox that holds. A yes is kept for the life of the process; a
 * no is asked again next time, so that mending the machine needs no restart.
 */
export async function checkSandbox(): Promise<SandboxAvailability> {
  const test = await testedMachine();
  return test.works
    ? { available: true, tier: test.machine.launcher.tier, version: test.machine.version }
    : { available: false, reason: "sandbox-unavailable", message: test.message };
}

async function runTested(request: SandboxRequest, ender: Ender): Promise<SandboxResult> {
  const test = await testedMachine();
  if (test.works) return runOnMachine(test.machine, request, ender);
  return { ...unavailable(test.message), stdout: "", stderr: "", truncated: false };
}

/** How it ends where nothing can be run. */
export function unavailable(message: string): SandboxMeasures & SandboxEnding {
  return {
    outcome: "sandbox-error",
    message,
    durationMs: 0,
    // What would have been used.
    tier: process.geteuid?.() === 0 ? "bubblewrap-dropped-uid" : "bubblewrap",
    version: "unknown",
    peakMemoryBytes: 0,
  };
}

let tested: Promise<SelfTest> | undefined;

/** The self-test's answer: a yes is kept, a no is asked again. */
export async function testedMachine(): Promise<SelfTest> {
  tested ??= selfTest();
  const test = await tested;
  if (!test.works) tested = undefined;
  return test;
}
