import {
  promotionIntents,
  type IntentOutcome,
  type JarvisDatabase,
  type PromotionIntentRow,
} from "@jarvis/db";
import { and, asc, eq, gte, inArray, isNull, notInArray, sql } from "drizzle-orm";
import { SelfExtensionError } from "./errors.ts";
import { intentHolder, thisHolder, type IntentHolder } from "./promotion-holder.ts";

/** The announcement that one head is about to land, as the database keeps it. */
export interface Intent extends Omit<PromotionIntentRow, "holder"> {
  readonly holder: IntentHolder;
}

/**
 * What an outcome is known by. `read-back`: the host shows it. `refused`: the host answered no to
 * every request that could have landed it. `not-sent`: its holder says that it sent none.
 * `not-let-through`: it was never let through, and will not be. `fenced`: the host was read back as
 * refusing it. `holder-ended`: its holder is dead, or has no request under way any more, and requests
 * do not live that long.
 */
export const knownBy = [
  "read-back",
  "refused",
  "not-sent",
  "not-let-through",
  "fenced",
  "holder-ended",
] as const;
export type KnownBy = (typeof knownBy)[number];

export type Resolution =
  | { readonly outcome: "landed"; readonly mergeSha: string; readonly knownBy: "read-back" }
  | { readonly outcome: "did-not-happen"; readonly knownBy: Exclude<KnownBy, "read-back"> };

export type Announcement =
  | { readonly kind: "recorded"; readonly intent: Intent }
  /** Promotion is paused: nothing was recorded. */
  | { readonly kind: "paused" }
  /** Another intent is open, and whoever wants to land first has to settle it. */
  | { readonly kind: "taken"; readonly by: Intent };

export interface IntentFacts {
  readonly runId: string;
  readonly attempt: number;
  readonly headSha: string;
  readonly baseSha: string;
  readonly isRevert: boolean;
}

/**
 * Announces a landing. The database holds the promotion switch while the row goes in, so the
 * announcement is before a pause or refused by it.
 */
export async function recordIntent(db: JarvisDatabase, facts: IntentFacts): Promise<Announcement> {
  const { runId, attempt, headSha, baseSha, isRevert } = facts;
  for (;;) {
    try {
      // One statement: a process that is stopped around it holds no lock.
      const [row] = await db.execute<{ id: string }>(sql`
        insert into promotion_intents (run_id, attempt, head_sha, base_sha, is_revert, holder)
        values (${runId}, ${attempt}, ${headSha}, ${baseSha}, ${isRevert}, ${JSON.stringify(thisHolder())}::jsonb)
        returning id`);
      return { kind: "recorded", intent: await readIntent(db, Number(row?.id)) };
    } catch (error) {
      const state = sqlState(error);
      if (state === PAUSED) return { kind: "paused" };
      if (state !== UNIQUE) throw error;
    }
    const open = (await openIntents(db)).find((intent) => intent.isRevert === isRevert);
    // Resolved in between: there is room now.
    if (open !== undefined) return { kind: "taken", by: open };
  }
}

/**
 * Makes this process the holder of an intent that it goes on with, and notes when: what was sent for
 * it before may not have been answered. Null where it is open no longer, or somebody else's.
 */
export async function takeOverIntent(db: JarvisDatabase, intent: Intent): Promise<Intent | null> {
  const { id, holder, phase } = promotionIntents;
  const rows = await db
    .update(promotionIntents)
    .set({
      // Whoever was let through had heard that the fence is open.
      holder: sql`${JSON.stringify(thisHolder())}::jsonb || jsonb_strip_nulls(jsonb_build_object('takenOverAt',
        case when ${phase} = 'recorded' then to_jsonb(clock_timestamp()) else ${holder} -> 'takenOverAt' end))`,
    })
    .where(and(isOpen(intent.id), sql`${holder} ->> 'instance' = ${intent.holder.instance}`))
    .returning({ id });
  return rows.length === 0 ? null : await readIntent(db, intent.id);
}

/**
 * Lets one request that moves the base through; asked for immediately before each. Answers `paused`
 * while promotion is paused, and `resolved` if the intent was resolved or has another holder.
 */
export async function letThrough(
  db: JarvisDatabase,
  intent: Intent,
): Promise<"through" | "paused" | "resolved"> {
  try {
    const rows = await db
      .update(promotionIntents)
      .set({ phase: "landing", landingAt: sql`now()` })
      .where(
        and(
          isOpen(intent.id),
          sql`${promotionIntents.holder} ->> 'instance' = ${thisHolder().instance}`,
        ),
      )
      .returning({ id: promotionIntents.id });
    return rows.length === 0 ? "resolved" : "through";
  } catch (error) {
    if (sqlState(error) === PAUSED) return "paused";
    throw error;
  }
}

/** Says what became of an intent; the first word stands. */
export async function resolveIntent(
  db: JarvisDatabase,
  id: number,
  resolution: Resolution,
): Promise<Intent> {
  await db.update(promotionIntents).set(columnsOf(resolution)).where(isOpen(id));
  return await readIntent(db, id);
}

/** Resolves an intent that nobody can let through any more; null where it was let through before. */
export async function resolveUnlessLetThrough(
  db: JarvisDatabase,
  id: number,
): Promise<Intent | null> {
  const rows = await db
    .update(promotionIntents)
    .set(columnsOf({ outcome: "did-not-happen", knownBy: "not-let-through" }))
    .where(and(isOpen(id), eq(promotionIntents.phase, "recorded")))
    .returning({ id: promotionIntents.id });
  return rows.length === 0 ? null : await readIntent(db, id);
}

/** What landed resolves every intent of its head that is open. */
export async function resolveLanded(
  db: JarvisDatabase,
  headSha: string,
  mergeSha: string,
): Promise<void> {
  await db
    .update(promotionIntents)
    .set(columnsOf({ outcome: "landed", mergeSha, knownBy: "read-back" }))
    .where(and(eq(promotionIntents.headSha, headSha), isNull(promotionIntents.outcome)));
}

/** Notes that the head's status was read back as not green. */
export async function noteFenceClosed(db: JarvisDatabase, id: number): Promise<void> {
  const { fenceClosedAt, outcome } = promotionIntents;
  await db
    .update(promotionIntents)
    .set({ fenceClosedAt: sql`now()` })
    .where(and(eq(promotionIntents.id, id), isNull(fenceClosedAt), eq(outcome, "did-not-happen")));
}

/** Open intents, oldest first: at most one of a change and one of a revert. */
export async function openIntents(db: JarvisDatabase): Promise<Intent[]> {
  const { outcome, id } = promotionIntents;
  return await select(db, isNull(outcome), asc(id));
}

/** Intents that did not land and whose heads may still be shown as green, and are not about to land. */
export async function intentsToClose(db: JarvisDatabase): Promise<Intent[]> {
  const { outcome, fenceClosedAt, headSha, id, isRevert } = promotionIntents;
  const open = (await openIntents(db)).map((intent) => intent.headSha);
  const left = and(
    eq(outcome, "did-not-happen"),
    isNull(fenceClosedAt),
    // A revert is never fenced.
    eq(isRevert, false),
  );
  return await select(db, open.length === 0 ? left : and(left, notInArray(headSha, open)), asc(id));
}

export async function readIntents(db: JarvisDatabase, ids: readonly number[]): Promise<Intent[]> {
  if (ids.length === 0) return [];
  return await select(db, inArray(promotionIntents.id, [...ids]), asc(promotionIntents.id));
}

/** What reverts have landed since a moment. */
export async function revertsLandedSince(db: JarvisDatabase, since: Date): Promise<Intent[]> {
  const { isRevert, outcome, resolvedAt, id } = promotionIntents;
  const landed = and(eq(isRevert, true), eq(outcome, "landed"), gte(resolvedAt, since));
  return await select(db, landed, asc(id));
}

/** How long ago a request was last let through, by the clock of the database; infinite before the first. */
export async function sinceLetThroughMs(db: JarvisDatabase, id: number): Promise<number> {
  const [row] = await db.execute<{ ms: string | null }>(sql`
    select extract(epoch from clock_timestamp() - landing_at) * 1000 as ms
    from promotion_intents where id = ${id}`);
  return row?.ms == null ? Infinity : Number(row.ms);
}

/** How long ago it was said what became of an intent; infinite before that. */
export async function sinceResolvedMs(db: JarvisDatabase, id: number): Promise<number> {
  const [row] = await db.execute<{ ms: string | null }>(sql`
    select extract(epoch from clock_timestamp() - resolved_at) * 1000 as ms
    from promotion_intents where id = ${id}`);
  return row?.ms == null ? Infinity : Number(row.ms);
}

/**
 * Whether an intent was announced under a leadership that is over: the database lets its holder
 * through no more, and the holder itself sends nothing any more, wherever it runs and if it wakes up.
 */
export async function isOfEarlierLeadership(db: JarvisDatabase, id: number): Promise<boolean> {
  const rows = await db.execute(sql`
    select from promotion_intents, kernel_lease
    where promotion_intents.id = ${id} and not is_released and since > recorded_at`);
  return rows.length > 0;
}

/** Intents of a head that were let through and given up, without an answer to what they had sent. */
export async function givenUpLandings(db: JarvisDatabase, headSha: string): Promise<Intent[]> {
  const { phase, outcome, knownBy: by, id } = promotionIntents;
  const unanswered: KnownBy[] = ["fenced", "holder-ended"];
  return await select(
    db,
    and(
      eq(promotionIntents.headSha, headSha),
      eq(phase, "landing"),
      eq(outcome, "did-not-happen"),
      inArray(by, unanswered),
    ),
    asc(id),
  );
}

/** Who may have asked the host to open the fence of an intent's head without having heard the answer. */
export interface DoubtfulOpening {
  /** Null where it is dead, as was found when its intent was taken over, or does not lead any more. */
  readonly holder: IntentHolder | null;
  /** Since nobody has heard of it any more. */
  readonly ageMs: number;
}

export async function doubtfulOpenings(
  db: JarvisDatabase,
  intent: Intent,
): Promise<DoubtfulOpening[]> {
  // Whoever was let through had its answer before.
  const rows = await db.execute<{ holder: unknown; ms: string }>(sql`
    select
      case when recorded_at < (select since from kernel_lease where not is_released)
        then null else holder end as holder,
      extract(epoch from clock_timestamp() - coalesce(resolved_at, recorded_at)) * 1000 as ms
    from promotion_intents
    where head_sha = ${intent.headSha} and id <> ${intent.id} and phase = 'recorded'
    union all
    select null, extract(epoch from clock_timestamp() - (holder ->> 'takenOverAt')::timestamptz) * 1000
    from promotion_intents where id = ${intent.id} and holder ->> 'takenOverAt' is not null`);
  return [...rows].map(({ holder, ms }) => ({
    holder: holder === null ? null : intentHolder.parse(holder),
    ageMs: Number(ms),
  }));
}

async function readIntent(db: JarvisDatabase, id: number): Promise<Intent> {
  const [intent] = await readIntents(db, [id]);
  if (intent === undefined) {
    throw new SelfExtensionError("evidence-mismatch", `the promotion intent ${id} is gone`);
  }
  return intent;
}

async function select(
  db: JarvisDatabase,
  where: ReturnType<typeof and>,
  order: ReturnType<typeof asc>,
): Promise<Intent[]> {
  const rows = await db.select().from(promotionIntents).where(where).orderBy(order);
  return rows.map((row) => ({ ...row, holder: intentHolder.parse(row.holder) }));
}

function isOpen(id: number) {
  return and(eq(promotionIntents.id, id), isNull(promotionIntents.outcome));
}

function columnsOf(resolution: Resolution): {
  outcome: IntentOutcome;
  knownBy: string;
  mergeSha: string | null;
} {
  const mergeSha = resolution.outcome === "landed" ? resolution.mergeSha : null;
  return { outcome: resolution.outcome, knownBy: resolution.knownBy, mergeSha };
}

/** What the triggers of the table answer, and what its index does. */
const PAUSED = "JP001";
const UNIQUE = "23505";

function sqlState(error: unknown): string | null {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : null;
}
