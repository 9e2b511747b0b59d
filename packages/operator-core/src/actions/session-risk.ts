import {
  actionProposals,
  agentState,
  compareAndSetAgentState,
  readAgentState,
  riskLevels,
} from "@jarvis/db";
import type { JarvisDatabase } from "@jarvis/db";
import { and, asc, eq, gt, like, sql } from "drizzle-orm";
import { z } from "zod";
import { OperatorError } from "../errors.ts";
import type { EffectClass, RiskLevel } from "./action-definition.ts";
import { ActionAuditor } from "./auditor.ts";
import type { Principal } from "./audit-event.ts";

/** An action that a session began. */
export type SessionAction = {
  readonly at: Date;
  readonly effect: EffectClass;
  readonly risk: RiskLevel;
};

export type SessionRisk = { readonly score: number; readonly level: RiskLevel };

const windowMs = 300_000;
const burstMs = 30_000;
const burstFactor = 1.5;
const points: Record<RiskLevel, number> = { low: 0.5, medium: 4, high: 10, critical: 25 };
const levels: readonly { from: number; level: RiskLevel }[] = [
  { from: 50, level: "critical" },
  { from: 25, level: "high" },
  { from: 10, level: "medium" },
  { from: 0, level: "low" },
];

// What is worse together than one by one: taking data and sending it, breaking one thing after
// another.
const sequences: readonly { before: EffectClass; after: EffectClass; points: number }[] = [
  { before: "irreversible", after: "irreversible", points: 15 },
  { before: "process", after: "irreversible", points: 20 },
  { before: "process", after: "network", points: 5 },
  { before: "promotion", after: "promotion", points: 10 },
];

/**
 * What a session did in the last five minutes, as one number. Reading counts nothing; an action soon
 * after another counts half as much again; some sequences add to it.
 */
export function scoreSession(actions: readonly SessionAction[], now: Date): SessionRisk {
  const counted = actions.filter(
    ({ at, effect }) => effect !== "read" && now.getTime() - at.getTime() < windowMs,
  );
  const score = counted.reduce((sum, action, index) => {
    const before = counted[index - 1];
    if (before === undefined) return sum + points[action.risk];
    const burst = action.at.getTime() - before.at.getTime() < burstMs ? burstFactor : 1;
    const sequence = sequences.find(
      (known) => known.before === before.effect && known.after === action.effect,
    );
    return sum + points[action.risk] * burst + (sequence?.points ?? 0);
  }, 0);
  return { score, level: levels.find(({ from }) => score >= from)?.level ?? "low" };
}

export type SessionVerdict =
  | { verdict: "allow"; risk: SessionRisk }
  | { verdict: "ask"; risk: SessionRisk }
  /** The session may only read until somebody releases it. */
  | { verdict: "observe"; risk: SessionRisk | null };

/** A session that went to observe and stays there until it is released. */
export interface ObservedSession {
  readonly sessionId: string;
  readonly reason: string;
  readonly updatedBy: string;
  /** ISO 8601, by the clock of the database. */
  readonly since: string;
}

const keyPrefix = "session:";
const keySuffix = ":safety";

const SessionState = z.object({
  mode: z.enum(["observe", "execute"]),
  reason: z.string(),
  updatedBy: z.string(),
  updatedAt: z.iso.datetime(),
});

/**
 * Watches what sessions do, from the proposals that they began: every process sees the same, and a
 * restart forgets nothing. From `askFrom` on each action needs an approval; at critical the session
 * is set to observe and stays there until it is released.
 */
export class SessionRiskTracker {
  readonly #askFrom: RiskLevel;

  constructor(options: { askFrom: RiskLevel } = { askFrom: "high" }) {
    this.#askFrom = options.askFrom;
  }

  /**
   * Judges the next action of a session in the transaction that will begin it. Actions of one
   * session wait for each other here, so that two of them cannot both be the last harmless one.
   */
  async judge(
    tx: JarvisDatabase,
    sessionId: string,
    next: { effect: EffectClass; risk: RiskLevel },
  ): Promise<SessionVerdict> {
    await lockSession(tx, sessionId);
    const risk = await this.#riskWith(tx, sessionId, next);
    if (next.effect === "read") return { verdict: "allow", risk };
    if (await isObserved(tx, sessionId)) return { verdict: "observe", risk: null };
    if (risk.level === "critical") {
      const reason = `risk score ${risk.score} of the last five minutes`;
      const system: Principal = { kind: "system", name: "session risk" };
      await setSessionMode(tx, { sessionId, mode: "observe", reason, by: system });
      return { verdict: "observe", risk };
    }
    const ask = riskLevels.indexOf(risk.level) >= riskLevels.indexOf(this.#askFrom);
    return { verdict: ask ? "ask" : "allow", risk };
  }

  /**
   * Lets a session that may only observe execute again. Only what it does from now on is held
   * against it.
   * @throws OperatorError `session-unknown` where it is not held to observing
   */
  async release(
    db: JarvisDatabase,
    sessionId: string,
    release: { by: Principal; reason: string },
  ): Promise<void> {
    await db.transaction(async (tx) => {
      await lockSession(tx, sessionId);
      if (!(await isObserved(tx, sessionId))) {
        throw new OperatorError(
          "session-unknown",
          `No session ${sessionId} is held to observing; \`jarvis session list\` lists those that are.`,
        );
      }
      await setSessionMode(tx, { sessionId, mode: "execute", ...release });
    });
  }

  /** The sessions that may only observe, with the one who said so and why; a row nobody can read too. */
  async observed(db: JarvisDatabase): Promise<ObservedSession[]> {
    const rows = await db
      .select()
      .from(agentState)
      .where(like(agentState.key, keyOf("%")))
      .orderBy(asc(agentState.updatedAt));
    return rows.flatMap(({ key, value, updatedAt }) => {
      const parsed = SessionState.safeParse(value);
      if (parsed.success && parsed.data.mode === "execute") return [];
      return {
        sessionId: key.slice(keyPrefix.length, -keySuffix.length),
        reason: parsed.success ? parsed.data.reason : "its state cannot be read",
        updatedBy: parsed.success ? parsed.data.updatedBy : "unknown",
        since: updatedAt.toISOString(),
      };
    });
  }

  async #riskWith(
    tx: JarvisDatabase,
    sessionId: string,
    next: { effect: EffectClass; risk: RiskLevel },
  ): Promise<SessionRisk> {
    const [clock] = z
      .array(z.object({ now: z.coerce.date() }))
      .parse([...(await tx.execute(sql`select clock_timestamp() as now`))]);
    const now = clock?.now ?? new Date();
    const since = new Date(
      Math.max(now.getTime() - windowMs, (await releasedAt(tx, sessionId))?.getTime() ?? 0),
    );
    const rows = await tx
      .select({
        at: actionProposals.startedAt,
        effect: actionProposals.effect,
        risk: actionProposals.risk,
      })
      .from(actionProposals)
      .where(and(eq(actionProposals.sessionId, sessionId), gt(actionProposals.startedAt, since)))
      .orderBy(asc(actionProposals.startedAt));
    const before = rows.flatMap(({ at, ...row }) => (at === null ? [] : [{ at, ...row }]));
    return scoreSession([...before, { at: now, ...next }], now);
  }
}

async function lockSession(tx: JarvisDatabase, sessionId: string): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended('action-session:' || ${sessionId}, 0))`,
  );
}

function keyOf(sessionId: string): string {
  return `${keyPrefix}${sessionId}${keySuffix}`;
}

// No row is the ordinary case; a row that cannot be read was written for a reason.
async function isObserved(tx: JarvisDatabase, sessionId: string): Promise<boolean> {
  const row = await readAgentState(tx, keyOf(sessionId));
  if (row === null) return false;
  const parsed = SessionState.safeParse(row.value);
  return !parsed.success || parsed.data.mode === "observe";
}

async function releasedAt(tx: JarvisDatabase, sessionId: string): Promise<Date | null> {
  const row = await readAgentState(tx, keyOf(sessionId));
  const parsed = SessionState.safeParse(row?.value);
  if (!parsed.success || parsed.data.mode === "observe") return null;
  // By the clock of the database, as the times it is compared with.
  return row?.updatedAt ?? null;
}

async function setSessionMode(
  tx: JarvisDatabase,
  change: { sessionId: string; mode: "observe" | "execute"; reason: string; by: Principal },
): Promise<void> {
  const { sessionId, mode, reason, by } = change;
  const row = await readAgentState(tx, keyOf(sessionId));
  const before = SessionState.safeParse(row?.value);
  const written = await compareAndSetAgentState(tx, keyOf(sessionId), {
    expectedVersion: row?.version ?? null,
    value: { mode, reason, updatedBy: by.name, updatedAt: new Date().toISOString() },
  });
  if (written.outcome === "conflict") {
    throw new OperatorError(
      "session-changed",
      `The mode of session ${sessionId} was changed by somebody else at the same time: look at it and try again.`,
    );
  }
  const oldMode = before.success ? before.data.mode : row === null ? "execute" : null;
  await new ActionAuditor(tx).logModeChange(oldMode, mode, by, { sessionId, reason });
}
