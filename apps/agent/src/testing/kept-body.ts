import { startInSandbox } from "@jarvis/sandbox";
import { onTestFinished } from "vitest";
import type { BodyLimits } from "../kernel/body/body-limits.ts";
import { keepBody, type BodyKeeper, type KeepBodyOptions } from "../kernel/body/keeper.ts";
import type { BodyRelease } from "../kernel/body/release-world.ts";
import type { BodyRequests, Report } from "../kernel/body/requests.ts";
import type { BodySignal } from "../kernel/body/signals.ts";
import { releaseOfScript } from "./body-release.ts";

type Kind = BodySignal["kind"];
type SignalOf<K extends Kind> = Extract<BodySignal, { kind: K }>;

export interface KeptBody {
  readonly keeper: BodyKeeper;
  readonly signals: readonly BodySignal[];
  readonly reports: readonly Report[];
  readonly seen: <K extends Kind>(kind: K) => SignalOf<K>[];
  /** The first of a kind that comes or came. */
  readonly until: <K extends Kind>(kind: K) => Promise<SignalOf<K>>;
}

// Quick where something happens by itself; patient where a busy machine could be taken for a fault.
const quick: Partial<BodyLimits> = {
  heartbeatMs: 50,
  stopMs: 300,
  tickMs: 50,
  firstPauseMs: 20,
  longestPauseMs: 100,
};

interface Differences extends Partial<Pick<KeepBodyOptions, "argv" | "run" | "suspended">> {
  readonly limits?: Partial<BodyLimits>;
  readonly requests?: Partial<BodyRequests>;
}

/** A real body in a real sandbox, ended with the test. */
export function keepForTest({
  release,
  limits,
  requests,
  ...others
}: Differences & { release: BodyRelease }): KeptBody {
  const signals: BodySignal[] = [];
  const reports: Report[] = [];
  const wake: (() => void)[] = [];
  const keeper = keepBody({
    release,
    run: startInSandbox,
    ...others,
    limits: { ...quick, ...limits },
    requests: {
      ask: async () => ({ outcome: "refused", reason: "nothing is allowed here" }),
      report: async (report) => void reports.push(report),
      propose: async () => ({ outcome: "refused", reason: "nothing is allowed here" }),
      ...requests,
    },
    onSignal: (signal) => {
      signals.push(signal);
      for (const resolve of wake.splice(0)) resolve();
    },
  });
  onTestFinished(() => keeper.stop());
  const seen = <K extends Kind>(kind: K): SignalOf<K>[] =>
    signals.filter((signal): signal is SignalOf<K> => signal.kind === kind);
  return {
    keeper,
    signals,
    reports,
    seen,
    async until(kind) {
      for (;;) {
        const [found] = seen(kind);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => wake.push(resolve));
      }
    },
  };
}

/** The stand-in for a body, with one thing that it does wrong. */
export function keepMisbehaving(behaviour: string, differences: Differences = {}): KeptBody {
  const argv = ["node", "body.mjs", behaviour];
  return keepForTest({ release: releaseOfScript(), argv, ...differences });
}
