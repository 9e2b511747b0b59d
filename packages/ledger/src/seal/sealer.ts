import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, type JarvisDatabase } from "@jarvis/db";
import { LedgerError } from "../errors.ts";
import { openSigningKey } from "../keys/key-records.ts";
import type { NoteSigner } from "../notes/signed-note.ts";
import { sealedLedgerNames, type SealedLedger } from "../rows/leaf.ts";
import { newestIds, sealedIds, type Horizon } from "../store/sealed-rows.ts";
import { settledHorizon } from "../store/settled-horizon.ts";
import { firstCheckpointOver, type StoredCheckpoint } from "../store/tree-store.ts";
import { loadTree } from "./load-tree.ts";
import { readNewestSeen, writeNewestSeen } from "./newest-seen.ts";
import { sealBatch } from "./seal-batch.ts";
import type { KnownTree, SealedTree } from "./sealed-tree.ts";

/** Between two looks for something new. A checkpoint is due within a second. */
const EVERY_MS = 250;
/** A writer that holds its transaction open longer is waited for by the next look. */
const PATIENCE_MS = 2000;
const SEEN_EVERY_MS = 1000;
/**
 * Between two full batches while rows still come in: whoever writes that much wants the processors.
 * At least 8,000 rows a second are sealed all the same.
 */
const GIVE_WAY_MS = 200;

export interface SealerOptions {
  readonly db: JarvisDatabase;
  readonly stateDirectory: string;
  /** Told each time the problem changes; null when it is over. */
  readonly onProblem?: (error: unknown) => void;
  /** Whether a kernel with another state directory sealed before. */
  readonly takesOver?: boolean;
  /** Why nothing may be added to the tree for now, asked before each pass; null where it may be. */
  readonly waitsFor?: () => string | null;
  readonly everyMs?: number;
  readonly patienceMs?: number;
  readonly giveWayMs?: number;
}

/** What the sealer says of itself. */
export interface SealerState {
  readonly checkpoint: StoredCheckpoint | null;
  /** Why nothing is sealed, or null. */
  readonly problem: string | null;
}

export interface Sealer {
  readonly signer: NoteSigner;
  state(): SealerState;
  /** Seals what is committed now, as fast as it can; of several calls at once, one does the work. */
  sealNow(): Promise<void>;
  /**
   * The first checkpoint that covers a committed row, sealed now if need be; the same at every call.
   * @throws LedgerError `not-sealed` where there is none within `limitMs`.
   */
  cover(
    row: { readonly ledger: SealedLedger; readonly id: number },
    limitMs?: number,
  ): Promise<StoredCheckpoint>;
  stop(): Promise<void>;
}

/**
 * Seals committed rows of the ledgers behind their writers' backs: nobody who inserts waits for it.
 * @throws LedgerError where the key or the tree is not what it has to be; nothing is sealed then.
 */
export async function startSealer(options: SealerOptions): Promise<Sealer> {
  const { db, stateDirectory, patienceMs = PATIENCE_MS, giveWayMs = GIVE_WAY_MS } = options;
  const signer = await openSigningKey(db, stateDirectory, options);
  const seen = readNewestSeen(stateDirectory);
  let tree: KnownTree | null = seen === null ? null : { checkpoint: seen };
  let problem: string | null = null;
  let seenWritten = { at: Number.NEGATIVE_INFINITY, size: seen?.size ?? 0 };
  let underWay: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | null = null;
  let hurry = new AbortController();
  let isNextAwaited = false;
  const stopping = new AbortController();

  async function sealAll(): Promise<void> {
    if (tree !== null && "frontier" in tree && (await isAllSealed(db))) return;
    const horizon = await settledHorizon(db, patienceMs);
    if (horizon === null) {
      throw new LedgerError(
        "not-sealed",
        `A transaction has been writing to the ledger for more than ${patienceMs / 1000} s: end it (pg_locks names it).`,
      );
    }
    // What is committed meanwhile is the next pass's: under a flood this one would never end.
    for (let more = true; more && !stopping.signal.aborted;) {
      const sealed: SealedTree & { more: boolean } = await sealBatch(db, signer, tree, horizon);
      tree = sealed;
      more = sealed.more;
      rememberSeen(false);
      if (more) await giveWay(horizon);
    }
  }

  async function giveWay(horizon: Horizon): Promise<void> {
    if (!isPast(await newestIds(db), horizon)) return;
    await sleep(giveWayMs, undefined, { signal: hurry.signal }).catch(() => undefined);
  }

  function rememberSeen(now: boolean): void {
    const checkpoint = tree?.checkpoint ?? null;
    if (checkpoint === null || checkpoint.size === seenWritten.size) return;
    if (!now && performance.now() - seenWritten.at < SEEN_EVERY_MS) return;
    writeNewestSeen(stateDirectory, checkpoint);
    seenWritten = { at: performance.now(), size: checkpoint.size };
  }

  async function sealNow(): Promise<void> {
    hurry.abort();
    isNextAwaited = true;
    await sealInTurn();
  }

  async function sealInTurn(): Promise<void> {
    // What was committed after a pass had begun is not in it for sure: all who come then share the
    // next one.
    waiting ??= underWay
      .catch(() => undefined)
      .then(async () => {
        waiting = null;
        hurry = new AbortController();
        if (isNextAwaited) hurry.abort();
        isNextAwaited = false;
        underWay = pass();
        await underWay;
      });
    await waiting;
  }

  async function pass(): Promise<void> {
    const wait = options.waitsFor?.() ?? null;
    try {
      // Whether the tree is what it has to be does not wait.
      if (wait === null) await sealAll();
      else await loadTree(db, tree);
      // What was sealed shortly after the last time it was written down is written down now.
      rememberSeen(false);
      if (problem !== null) tell(null, null);
    } catch (error) {
      const message = messageOf(error);
      if (message !== problem) tell(message, error);
      throw error;
    }
    if (wait !== null) throw new LedgerError("not-sealed", wait);
  }

  function tell(message: string | null, error: unknown): void {
    problem = message;
    options.onProblem?.(error);
  }

  async function cover(
    row: { readonly ledger: SealedLedger; readonly id: number },
    limitMs = 10_000,
  ): Promise<StoredCheckpoint> {
    const deadline = performance.now() + limitMs;
    let cause: unknown;
    for (;;) {
      const checkpoint = await firstCheckpointOver(db, row);
      if (checkpoint !== null) return checkpoint;
      if (performance.now() > deadline || stopping.signal.aborted) {
        const why = problem ?? options.waitsFor?.() ?? null;
        throw new LedgerError(
          "not-sealed",
          `Event ${row.id} of ${row.ledger} is not sealed after ${limitMs / 1000} s${why === null ? "" : ` (${why})`}.`,
          { cause },
        );
      }
      await sealNow().catch((error: unknown) => (cause = error));
      if (cause !== undefined) await sleep(20);
    }
  }

  // The first pass answers whether the tree is what it has to be; a writer that is slow is no reason.
  await sealNow().catch((error: unknown) => {
    if (!(error instanceof LedgerError) || error.code !== "not-sealed") throw error;
  });
  const timer = setInterval(() => {
    if (waiting === null) sealInTurn().catch(() => undefined);
  }, options.everyMs ?? EVERY_MS);
  timer.unref();

  return {
    signer,
    state: () => ({ checkpoint: tree?.checkpoint ?? null, problem }),
    sealNow,
    cover,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await sealNow().catch(() => undefined);
      rememberSeen(true);
    },
  };
}

async function isAllSealed(db: JarvisDatabase): Promise<boolean> {
  const [newest, sealed] = await Promise.all([newestIds(db), sealedIds(db)]);
  return !isPast(newest, sealed);
}

function isPast(newest: Horizon, horizon: Horizon): boolean {
  return sealedLedgerNames.some((ledger) => newest[ledger] > horizon[ledger]);
}
