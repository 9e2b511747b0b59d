import { and, desc, eq, or, sql } from "drizzle-orm";
import { z } from "zod";
import {
  compareAndSetAgentState,
  readAgentState,
  selfExtensionEvents,
  type JarvisDatabase,
} from "@jarvis/db";
import { hasCommit, isAncestor, treeOf, type Mirror } from "./git/mirror.ts";
import {
  appendSelfExtensionEvent,
  kernelContext,
  parseRow,
  type EventContext,
} from "./lifecycle-events.ts";
import { gitSha } from "./lifecycle-payloads.ts";

const KEY = "self_extension:pipeline_status";

const pipelineStatus = z.looseObject({ lastSeenBase: z.string().nullable().optional() });

/**
 * True when the tree was verified by us or accepted by a person, as the ledger says. Trust is bound
 * to the tree, so the same bytes under another commit are attested too.
 */
export async function isAttested(db: JarvisDatabase, treeSha: string): Promise<boolean> {
  const rows = await db
    .select({ id: selfExtensionEvents.id })
    .from(selfExtensionEvents)
    .where(
      and(
        // Written out, since the index is of events of this type only.
        sql`${selfExtensionEvents.eventType} = 'tested'`,
        sql`${selfExtensionEvents.payload} ->> 'treeSha' = ${treeSha}`,
        sql`${selfExtensionEvents.payload} ->> 'passed' = 'true'`,
      ),
    )
    .limit(1);
  return rows.length > 0;
}

/** Attests a tree in the name of set-up (the first base) or of a person. Repeating it changes nothing. */
export async function attest(
  db: JarvisDatabase,
  facts: {
    sha: string;
    treeSha: string;
    by: "set-up" | "accepted";
    actor: string;
    reason: string;
  },
): Promise<string> {
  const event = await appendSelfExtensionEvent(db, {
    context: attestationContext(facts.sha, {
      source: facts.by === "set-up" ? "system" : "user",
      name: facts.actor,
    }),
    type: "tested",
    stage: "attestation",
    idempotencyKey: `attested:${facts.treeSha}`,
    payload: {
      attempt: 1,
      attestation: facts.by,
      passed: true,
      baseSha: facts.sha,
      treeSha: facts.treeSha,
      evidenceDigest: null,
      releaseDigest: null,
      testEvidence: "none",
      stages: [],
      reason: facts.reason,
    },
  });
  return event.id;
}

/** Whatever is said about a commit of the base is one run, named by the commit. */
export function attestationContext(
  sha: string,
  actor: { source: "system" | "user"; name: string },
): EventContext {
  return { ...kernelContext(attestationRunId(sha)), actorSource: actor.source, actor: actor.name };
}

export function attestationRunId(sha: string): string {
  return `attestation-${sha}`;
}

export type BaseStanding = "attested" | "unverified" | "rewritten";

/**
 * Whether a base may be built upon: it descends from the base last seen, and its tree is attested.
 * Reads only; `rememberBase` moves the pointer.
 */
export async function judgeBase(
  world: { db: JarvisDatabase; mirror: Mirror },
  baseSha: string,
): Promise<BaseStanding> {
  const last = await lastSeenBase(world.db);
  if (last !== null && last !== baseSha) {
    // The base's whole history was fetched: a commit that is not in it is no ancestor.
    const isKnown = await hasCommit(world.mirror, last);
    if (!isKnown || !(await isAncestor(world.mirror, last, baseSha))) return "rewritten";
  }
  const tree = await treeOf(world.mirror, baseSha);
  return (await isAttested(world.db, tree)) ? "attested" : "unverified";
}

/**
 * The base last seen; null only where Jarvis has never seen one. The row is a pointer: where it is
 * missing or malformed the ledger answers, because absence would let any base pass for the first.
 */
export async function lastSeenBase(db: JarvisDatabase): Promise<string | null> {
  const row = await readAgentState(db, KEY);
  const parsed = pipelineStatus.safeParse(row?.value);
  const pointer = parsed.success ? gitSha.safeParse(parsed.data.lastSeenBase) : null;
  return pointer?.success === true ? pointer.data : await lastBaseOfLedger(db);
}

/** The tree of the base last seen, from our own mirror: nothing is fetched. */
export async function lastSeenTree(world: {
  db: JarvisDatabase;
  mirror: Mirror;
}): Promise<string | null> {
  const sha = await lastSeenBase(world.db);
  return sha === null ? null : await treeOf(world.mirror, sha);
}

async function lastBaseOfLedger(db: JarvisDatabase): Promise<string | null> {
  const { eventType, payload, id } = selfExtensionEvents;
  const [row] = await db
    .select()
    .from(selfExtensionEvents)
    .where(
      or(
        eq(eventType, "promoted"),
        and(eq(eventType, "tested"), sql`${payload} ->> 'attestation' = 'set-up'`),
      ),
    )
    .orderBy(desc(id))
    .limit(1);
  if (row === undefined) return null;
  const event = parseRow(row);
  if (event.type === "promoted") return event.payload.mergeSha;
  return event.type === "tested" ? event.payload.baseSha : null;
}

/**
 * Moves the pointer to the base last seen. With `onlyAfter` it moves only where it stood there, for
 * whoever looked a while ago; else a lost race is settled by the next writer.
 */
export async function rememberBase(
  db: JarvisDatabase,
  baseSha: string,
  { onlyAfter }: { onlyAfter?: string | null } = {},
): Promise<void> {
  for (;;) {
    const row = await readAgentState(db, KEY);
    if (onlyAfter !== undefined && (await lastSeenBase(db)) !== onlyAfter) return;
    const before = pipelineStatus.safeParse(row?.value);
    const written = await compareAndSetAgentState(db, KEY, {
      expectedVersion: row?.version ?? null,
      value: { ...(before.success ? before.data : { state: "idle" }), lastSeenBase: baseSha },
    });
    if (written.outcome === "written") return;
  }
}
