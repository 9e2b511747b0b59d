import { compareAndSetAgentState, readAgentState } from "@jarvis/db";
import type { AgentStateRow, JarvisDatabase } from "@jarvis/db";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { ActionAuditor } from "./actions/auditor.ts";
import type { Actor, Principal } from "./actions/audit-event.ts";
import { clip } from "./actions/event-data.ts";
import { cancelPending } from "./actions/proposal-store.ts";
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
  /** Set by the kill switch, until somebody sets a mode: then not even reading is begun. */
  killSwitch: z.boolean().optional(),
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

/** Who asks and why. The kind of actor, where it is not said, is read from the name. */
export type ModeRequest = { reason: string; actor: string; actorKind?: Actor };

export type ModeChangeOutcome =
  /** `cancelledCount`: what was pending, and is cancelled by a change to observe. */
  | { outcome: "changed"; change: ModeChange; cancelledCount: number }
  | { outcome: "conflict"; current: SafetyReading };

// A switch that cannot be read in this time counts as one that cannot be read.
const readLimitMs = 5_000;
const reasonUnits = 2_000;

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

/** @throws ObserveOnlyError unless reading is allowed: in any mode but after a kill switch. */
export async function requireReadable(db: JarvisDatabase): Promise<void> {
  const reading = await readSafetyState(db);
  if (!reading.trusted) throw new ObserveOnlyError(reading.problem);
  if (reading.killSwitch === true) throw new ObserveOnlyError();
}

/**
 * Sets the mode, if nobody changed it meanwhile. A lost race is answered with what is there now:
 * whoever asked for `execute` has to see a kill switch that came between.
 *
 * The change, its event and, in observe, the cancellation of every pending action are one
 * transaction. What runs goes on to its end; the kill switch is what stops it.
 */
export async function setSafetyMode(
  db: JarvisDatabase,
  request: ModeRequest & { mode: SafetyMode },
  options: ModeChangeOptions = {},
): Promise<ModeChangeOutcome> {
  return await changeMode(db, { ...request, killSwitch: false }, options);
}

/** The change itself, for the two switches: everything else goes through them. */
export async function changeMode(
  db: JarvisDatabase,
  request: ModeRequest & { mode: SafetyMode; killSwitch: boolean },
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
    // Whatever a person writes as the reason, the switch moves: it is cut, never refused.
    reason: clip(String(redactSecrets(request.reason).value), reasonUnits),
    updatedBy: request.actor,
    updatedAt: now.toISOString(),
    ...(request.killSwitch ? { killSwitch: true } : {}),
  };
  const by = principalOf(request);
  return await inTransaction(db, async (tx) => {
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
    await new ActionAuditor(tx, options.clock).logModeChange(
      change.before?.mode ?? null,
      after.mode,
      by,
      { reason: after.reason, killSwitch: request.killSwitch },
    );
    await options.record?.(tx, change);
    // The kill switch cancels in a transaction of its own: nothing may hold its mode back.
    const cancels = after.mode === "observe" && !request.killSwitch;
    const why = "the mode was set to observe";
    return {
      outcome: "changed",
      change,
      cancelledCount: cancels ? (await cancelPending(tx, why, by)).length : 0,
    };
  });
}

// A lock that is not given is a failure that is heard, not a switch that hangs.
export async function inTransaction<T>(
  db: JarvisDatabase,
  work: (tx: JarvisDatabase) => Promise<T>,
): Promise<T> {
  return await db.transaction(async (tx) => {
    await tx.execute(sql`set local lock_timeout = '2s'`);
    return await work(tx);
  });
}

export function principalOf({ actor, actorKind }: ModeRequest): Principal {
  return { kind: actorKind ?? (actor === "system" ? "system" : "user"), name: actor };
}

function readingOf(row: AgentStateRow | null): SafetyReading {
  if (row === null) return { mode: "observe", trusted: false, problem: "missing-row" };
  const parsed = SafetyState.safeParse(row.value);
  return parsed.success
    ? { trusted: true, ...parsed.data }
    : { mode: "observe", trusted: false, problem: "malformed-value" };
}
