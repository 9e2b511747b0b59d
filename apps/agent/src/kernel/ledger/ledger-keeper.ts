import { messageOf, type DatabaseHandle } from "@jarvis/db";
import {
  acceptRestore,
  LedgerError,
  startSealer,
  type AbandonedHistory,
  type Anchor,
  type Attack,
  type Sealer,
  type VerificationReport,
} from "@jarvis/ledger";
import { readSafetyState, setSafetyMode } from "@jarvis/operator-core";
import {
  fitReason,
  getPromotionControlState,
  setPromotionControlState,
  type LedgerSeal,
  type Refusal,
} from "@jarvis/tools/self-extension";
import { HOST_EVERY_MS } from "../host-pace.ts";
import { oneAtATime } from "../reconciler.ts";
import { CheckpointPushes } from "./checkpoint-pushes.ts";
import { growthGate } from "./growth-gate.ts";
import type { CarryingRepository } from "./seen-outside.ts";
import { Verifications, type LedgerVerification, type VerificationCause } from "./verifications.ts";

/** How often the whole ledger is computed again: a million events take some seconds of one core. */
const VERIFY_EVERY_MS = 3_600_000;
/** A push is three requests that write, of which GitHub allows 500 an hour. */
const PUSH_EVERY_MS = { forge: 15_000, github: 600_000 } as const;

/** How long a start waits for the first verification. */
const FIRST_LOOK_MS = 5000;

const notLookedAt: Refusal = {
  reason: "ledger-unsealed",
  detail: "The ledger is being verified since the start; promotion goes on when that has ended.",
};

/** What the kernel says of its ledger. */
export interface LedgerStatus {
  /** Sealed events, and the checkpoint over them; null before the first one. */
  readonly size: number | null;
  readonly problem: Refusal | null;
  /** Since when the ledger is being computed again; null where nobody does. */
  readonly verifyingSince: string | null;
  /** The newest verification; null until the first has ended. */
  readonly verified: LedgerVerification | null;
  /** The newest that nobody asked for: at the start, and on the schedule. */
  readonly scheduled: LedgerVerification | null;
  /** What the repository host holds of it; null where that is not known. */
  readonly pushed: Anchor | null;
  /** Why the last push failed; null where it did not. */
  readonly pushProblem: string | null;
}

export interface LedgerKeeper extends LedgerSeal {
  status(): LedgerStatus;
  /**
   * Computes the whole ledger again, one at a time: whoever asks meanwhile is answered by the one
   * that is under way. A divergence pauses promotion.
   */
  verify(cause: VerificationCause): Promise<VerificationReport>;
  /** From now on checkpoints are pushed while promotion is open, and the ledger is verified, at once and on a schedule. */
  watch(world: Watched): Promise<void>;
  /**
   * Goes on from a restored database that ends before what was seen, or has grown apart from it; null
   * where it is what was seen. The caller has read back every landing that may have happened since.
   */
  acceptRestore(change: {
    readonly actor: string;
    readonly reason: string;
  }): Promise<AbandonedHistory | null>;
  stop(): Promise<void>;
}

interface Watched extends CarryingRepository {
  readonly kind: keyof typeof PUSH_EVERY_MS;
}

/**
 * Seals the ledger while the kernel runs. A ledger that is not what was sealed does not keep the
 * kernel from starting: promotion is paused with the reason, and everything can be looked at.
 */
export async function keepLedger(parts: {
  readonly database: Pick<DatabaseHandle, "db">;
  readonly stateDirectory: string;
  /** Whether the kernel that led before had another state directory, and so another key. */
  readonly takesOver: boolean;
  readonly onProblem: (error: unknown) => void;
}): Promise<LedgerKeeper> {
  const { stateDirectory, onProblem } = parts;
  const { db } = parts.database;
  // Each takes back only what it has found itself: the other has looked at something else.
  const problems: Record<"sealer" | "verification", Refusal | null> = {
    sealer: null,
    verification: null,
  };
  const held = (): Refusal | null => problems.sealer ?? problems.verification;
  let sealer: Sealer | null = null;
  let watched: Watched | null = null;
  const pushes = new CheckpointPushes({ db, stateDirectory });
  const timers: NodeJS.Timeout[] = [];

  /** What the last look found, or what a look is missing. */
  const standing = (): Refusal | null =>
    held() ??
    (gate.wait?.isForHost === true ? { reason: "ledger-unsealed", detail: gate.wait.why } : null);

  async function hold(by: keyof typeof problems, problem: Refusal): Promise<void> {
    problems[by] = problem;
    const reason = `${problem.reason}: ${problem.detail}`;
    const { paused } = await getPromotionControlState(db);
    if (!paused) await setPromotionControlState(db, { paused: true, reason, updatedBy: "system" });
    if (problem.reason !== "ledger-behind") return;
    const safety = await readSafetyState(db);
    if (safety.mode === "execute")
      await setSafetyMode(db, { mode: "observe", reason, actor: "system" });
  }

  async function tellSealer(error: unknown): Promise<void> {
    problems.sealer = null;
    if (error === null) return;
    onProblem(error);
    const problem = problemOf(error);
    if (problem.reason !== "ledger-unsealed") await hold("sealer", problem);
  }

  async function seal(): Promise<void> {
    try {
      sealer = await startSealer({
        db,
        stateDirectory,
        takesOver: parts.takesOver,
        waitsFor: () => gate.wait?.why ?? null,
        onProblem: (error) => void tellSealer(error).catch(onProblem),
      });
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      onProblem(error);
      await hold("sealer", problemOf(error));
    }
  }
  // Before a sealer has written anything of its own there.
  const gate = await growthGate(
    { db, stateDirectory },
    {
      repository: () => watched,
      // Why it is not sealed is the sealer's to say.
      onOpen: async () => await sealer?.sealNow().catch(() => undefined),
    },
  );
  await seal();

  const verifications = new Verifications(
    { db, stateDirectory, anchors: async () => await gate.compare() },
    async (problem) => {
      if (problem === null) problems.verification = null;
      else await hold("verification", problem);
    },
  );

  /** The host answers now: what it holds is part of what the ledger is verified by. */
  const ask = oneAtATime(async () => {
    await gate.compare();
    if (gate.wait?.isForHost !== true) await verifications.verify("scheduled");
  });

  const push = oneAtATime(async () => {
    const checkpoint = sealer?.state().checkpoint ?? null;
    if (watched === null || checkpoint === null || held() !== null) return;
    await pushes.push(watched.github, checkpoint);
  });

  return {
    get signer() {
      if (sealer === null) throw noSealer(held());
      return sealer.signer;
    },
    async cover(row, limitMs) {
      if (sealer === null) throw noSealer(held());
      return await sealer.cover(row, limitMs);
    },
    // Before its first verification the ledger is not built upon.
    problem: () => standing() ?? (verifications.newest === null ? notLookedAt : null),
    status: () => ({
      size: sealer?.state().checkpoint?.size ?? null,
      problem: standing(),
      verifyingSince: verifications.runningSince,
      verified: verifications.newest,
      scheduled: verifications.scheduled,
      pushed: pushes.newest,
      pushProblem: pushes.problem,
    }),
    verify: async (cause) => await verifications.verify(cause),
    async acceptRestore(change) {
      // One that is under way would still find what is accepted now.
      await verifications.ended();
      const report = verifications.newest?.report;
      if (held()?.reason !== "ledger-behind" && !isOnlyApart(report)) return null;
      const abandoned = await acceptRestore(db, stateDirectory, await gate.compare(), {
        ...change,
        // What is sealed stays.
        reason: fitReason(change.reason),
      });
      if (abandoned === null) return null;
      await sealer?.stop();
      sealer = null;
      problems.sealer = null;
      problems.verification = null;
      await seal();
      await verifications.verify("restored");
      return abandoned;
    },
    async watch(world) {
      watched = world;
      const look = async (): Promise<unknown> =>
        await verifications.verify("scheduled").catch(onProblem);
      const first = look();
      timers.push(
        setInterval(() => void look(), VERIFY_EVERY_MS),
        setInterval(() => {
          if (!push.busy()) push.run().catch(onProblem);
        }, PUSH_EVERY_MS[world.kind]),
        setInterval(() => {
          if (gate.wait?.isForHost === true && !ask.busy()) ask.run().catch(() => undefined);
        }, HOST_EVERY_MS[world.kind]),
      );
      for (const timer of timers) timer.unref();
      // Until it has ended nothing is promoted; a large ledger does not hold the rest up.
      await Promise.race([first, new Promise((resolve) => setTimeout(resolve, FIRST_LOOK_MS))]);
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await sealer?.stop();
    },
  };
}

/** Whether the ledger is whole in itself, and only not what was seen outside. */
function isOnlyApart(report: VerificationReport | undefined): boolean {
  const apart: readonly Attack[] = ["history-forked", "ledger-truncated"];
  return report?.ok === false && report.divergences.every(({ attack }) => apart.includes(attack));
}

function problemOf(error: unknown): Refusal {
  const detail = messageOf(error);
  if (!(error instanceof LedgerError)) return { reason: "ledger-unsealed", detail };
  if (error.code === "ledger-behind") return { reason: "ledger-behind", detail };
  const isMismatch = error.code === "ledger-mismatch" || error.code === "malformed-note";
  return { reason: isMismatch ? "ledger-mismatch" : "ledger-unsealed", detail };
}

function noSealer(held: Refusal | null): LedgerError {
  return new LedgerError("not-sealed", held?.detail ?? "The ledger is not sealed.");
}
