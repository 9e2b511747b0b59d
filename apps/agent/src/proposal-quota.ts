import { selfExtensionEvents, type JarvisDatabase } from "@jarvis/db";
import { decideQuota, OperatorError, quotaSentence, type Caller } from "@jarvis/operator-core";
import { openRuns } from "@jarvis/tools/self-extension";
import { and, asc, eq, gt, inArray, sql } from "drizzle-orm";

/** A proposer has used up what it may ask for. `retryAfterSeconds` is null where waiting is not enough. */
export class QuotaExceeded extends OperatorError {
  readonly retryAfterSeconds: number | null;

  constructor(message: string, retryAfterSeconds: number | null) {
    super("quota-exceeded", message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Hands proposals in, each proposer's one after the other, so that two of them cannot both be the last
 * that fits. What was used is read from the ledger: a restart forgets nothing.
 */
export class ProposalQuota {
  readonly #last = new Map<string, Promise<unknown>>();

  /** @throws QuotaExceeded, and whatever `submit` throws */
  async within<T>(
    db: JarvisDatabase,
    caller: Caller,
    bytes: number,
    submit: () => Promise<T>,
  ): Promise<T> {
    const before = this.#last.get(caller.name) ?? Promise.resolve();
    const mine = before
      .catch(() => undefined)
      .then(async () => {
        await requireQuota(db, caller, bytes);
        return await submit();
      });
    this.#last.set(caller.name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(caller.name) === mine) this.#last.delete(caller.name);
    }
  }
}

async function requireQuota(db: JarvisDatabase, caller: Caller, bytes: number): Promise<void> {
  const firstOfRun = and(
    eq(selfExtensionEvents.eventType, "proposed"),
    eq(selfExtensionEvents.actor, caller.name),
    eq(selfExtensionEvents.seq, 1),
  );
  const times = await db
    .select({
      at: selfExtensionEvents.createdAt,
      bytes: sql<number>`coalesce((${selfExtensionEvents.payload} ->> 'patchBytes')::int, 0)`,
    })
    .from(selfExtensionEvents)
    .where(
      and(
        firstOfRun,
        gt(selfExtensionEvents.createdAt, sql`clock_timestamp() - interval '1 hour'`),
      ),
    )
    .orderBy(asc(selfExtensionEvents.createdAt));
  const open = (await openRuns(db)).map(({ runId }) => runId);
  const usage = {
    times,
    open:
      open.length === 0
        ? 0
        : await db.$count(
            selfExtensionEvents,
            and(firstOfRun, inArray(selfExtensionEvents.runId, open)),
          ),
  };
  const decision = decideQuota(caller.quota, usage, { bytes, now: new Date() });
  if (!decision.allowed) {
    throw new QuotaExceeded(quotaSentence(caller.name, decision), decision.retryAfterSeconds);
  }
}
