import { compareAndSetAgentState, readAgentState } from "@jarvis/db";
import type { AgentStateRow, JarvisDatabase } from "@jarvis/db";
import { z } from "zod";
import { ObserveOnlyError, OperatorError } from "./errors.ts";
import { redactSecrets } from "./redaction.ts";

const stateKey = "system:safety";

export const SafetyMode = z.enum(["observe", "execute"]);
export type SafetyMode = z.infer<typeof SafetyMode>;

/** The row `system:safety`, as people read it. */
export const SafetyState = z.object({
  mode: SafetyMode,
  reason: z.string(),
  updatedBy: z.string(),
  updatedAt: z.iso.datetime(),
});
export type SafetyState = z.infer<typeof SafetyState>;

/** Why a mode is not to be believed, and therefore observe. */
export type SafetyProblem = "missing-row" | "malformed-value" | "database-unreachable";

export type SafetyReading =
  | ({ trusted: true } & SafetyState)
  | { mode: "observe"; trusted: false; problem: SafetyProblem };

/** What changed, for the audit log: `before` is null where there was nothing readable. */
export type ModeChange = {
  before: SafetyState | null;
  after: SafetyState;
  killSwitch: boolean;
};

export type ModeChangeOptions = {
  /** Records the change in the transaction that makes it: neither happens without the other. */
  record?: (tx: JarvisDatabase, change: ModeChange) => Promise<void>;
  clock?: () => Date;
};

export type ModeChangeOutcome =
  | { outcome: "changed"; change: ModeChange }
  | { outcome: "conflict"; current: SafetyReading };

// A switch that cannot be read in this time counts as one that cannot be read.
const readLimitMs = 5_000;

/**
 * The mode to act by. Must not throw: whatever goes wrong means observe, because absence is never
 * permission.
 */
export async function readSafetyState(
  db: JarvisDatabase,
  options: { limitMs?: number } = {},
): Promise<SafetyReading> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(reject, options.limitMs ?? readLimitMs, new Error("too late"));
    });
    return readingOf(await Promise.race([readAgentState(db, stateKey), late]));
  } catch {
    return { mode: "observe", trusted: false, problem: "database-unreachable" };
  } finally {
    clearTimeout(timer);
  }
}

/** @throws ObserveOnlyError unless the mode is known to be `execute`. */
export async function requireExecuteMode(db: JarvisDatabase): Promise<void> {
  const { mode } = await readSafetyState(db);
  if (mode !== "execute") throw new ObserveOnlyError();
}

/**
 * Sets the mode, if nobody changed it meanwhile. A lost race is answered with what is there now:
 * whoever asked for `execute` has to see a kill switch that came between.
 */
export async function setSafetyMode(
  db: JarvisDatabase,
  request: { mode: SafetyMode; reason: string; actor: string },
  options: ModeChangeOptions = {},
): Promise<ModeChangeOutcome> {
  return await changeMode(db, { ...request, killSwitch: false }, options);
}

export type KillOptions = ModeChangeOptions & {
  /** What has to stop; each answers how many actions or processes it cancelled. */
  onKill?: readonly (() => Promise<number>)[];
};

/**
 * Observe first, so that nothing new begins, then everything that runs. Every hook runs, also when
 * another failed or the database did not answer: processes are killed in any case.
 * @throws OperatorError `kill-switch-incomplete` after all of it, when any part failed.
 */
export async function killSwitch(
  db: JarvisDatabase,
  request: { reason: string; actor: string },
  options: KillOptions = {},
): Promise<{ cancelledCount: number }> {
  const failures: unknown[] = [];
  await observeAtOnce(db, request, options).catch((error: unknown) => failures.push(error));
  let cancelledCount = 0;
  const ended = await Promise.allSettled((options.onKill ?? []).map(async (hook) => await hook()));
  for (const result of ended) {
    if (result.status === "fulfilled") cancelledCount += result.value;
    else failures.push(result.reason);
  }
  if (failures.length === 0) return { cancelledCount };
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
  throw new OperatorError(
    "kill-switch-incomplete",
    `The kill switch cancelled ${cancelledCount} and failed in ${failures.length} part(s) (${failures.map(String).join("; ")}): run jarvis kill again, or stop the agent's processes by hand.`,
    { cause },
  );
}

// Losing a race is no answer for a kill switch. Each round loses only to a writer that won.
async function observeAtOnce(
  db: JarvisDatabase,
  request: { reason: string; actor: string },
  options: ModeChangeOptions,
): Promise<void> {
  const rounds = 20;
  for (let round = 0; round < rounds; round += 1) {
    const asked = { ...request, mode: "observe", killSwitch: true } as const;
    const { outcome } = await changeMode(db, asked, options);
    if (outcome === "changed") return;
  }
  throw new OperatorError(
    "kill-switch-incomplete",
    `The mode was changed by others ${rounds} times while the kill switch set it: run jarvis kill again.`,
  );
}

async function changeMode(
  db: JarvisDatabase,
  request: { mode: SafetyMode; reason: string; actor: string; killSwitch: boolean },
  options: ModeChangeOptions,
): Promise<ModeChangeOutcome> {
  if (request.reason.trim() === "") {
    throw new OperatorError(
      "reason-required",
      "A change of the safety mode needs a reason that others can read: give one with --reason.",
    );
  }
  const now = options.clock?.() ?? new Date();
  const after: SafetyState = {
    mode: request.mode,
    reason: String(redactSecrets(request.reason).value),
    updatedBy: request.actor,
    updatedAt: now.toISOString(),
  };
  return await db.transaction(async (tx) => {
    const row = await readAgentState(tx, stateKey);
    const expectedVersion = row?.version ?? null;
    const written = await compareAndSetAgentState(tx, stateKey, { expectedVersion, value: after });
    if (written.outcome === "conflict") {
      return { outcome: "conflict", current: readingOf(written.current) };
    }
    const before = SafetyState.safeParse(row?.value);
    const change: ModeChange = {
      before: before.success ? before.data : null,
      after,
      killSwitch: request.killSwitch,
    };
    await options.record?.(tx, change);
    return { outcome: "changed", change };
  });
}

function readingOf(row: AgentStateRow | null): SafetyReading {
  if (row === null) return { mode: "observe", trusted: false, problem: "missing-row" };
  const parsed = SafetyState.safeParse(row.value);
  return parsed.success
    ? { trusted: true, ...parsed.data }
    : { mode: "observe", trusted: false, problem: "malformed-value" };
}
