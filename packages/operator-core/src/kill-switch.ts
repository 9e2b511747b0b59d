import { setTimeout as sleep } from "node:timers/promises";
import { queryFailure, type JarvisDatabase } from "@jarvis/db";
import { ActionAuditor } from "./actions/auditor.ts";
import {
  cancelPending,
  closeAbandoned,
  requestStop,
  stillExecuting,
  type NamedAction,
} from "./actions/proposal-store.ts";
import { OperatorError } from "./errors.ts";
import { redactSecrets } from "./redaction.ts";
import { STOPPED_TOLD, type KillAnswer, type Stopped } from "./stopped.ts";
import { changeMode, inTransaction, principalOf } from "./safety-state.ts";
import type { ModeChangeOptions, ModeRequest } from "./safety-state.ts";

export type KillHook = () => Promise<number | readonly Stopped[]>;

export type KillOptions = ModeChangeOptions & {
  /** What has to stop; each answers what it ended, or how much that was. */
  onKill?: readonly KillHook[];
  /** How long one part in the database, or the end of what runs, is waited for. */
  limitMs?: number;
};

// Longer than an executor may stay silent before it counts as dead.
const killLimitMs = 6_000;
const why = "the kill switch was pressed";
/** What the ledger names; an event is small. */
const STOPPED_RECORDED = 50;

/**
 * Observe first, so that nothing new begins; then what is pending is cancelled; then everything that
 * runs is stopped; then the event says how much it was. When this returns no action runs and none
 * can begin. Every part runs, also when another failed or the database did not answer: processes are
 * killed in any case.
 * @throws OperatorError `kill-switch-incomplete` after all of it, when any part failed.
 */
export async function killSwitch(
  db: JarvisDatabase,
  request: ModeRequest,
  options: KillOptions = {},
): Promise<KillAnswer> {
  const { onKill = [], limitMs = killLimitMs } = options;
  const halt = async () => await within(limitMs, haltActions(db, request, options));
  let halted = await settled(halt());
  const hooks = await Promise.allSettled(onKill.map(async (hook) => await hook()));
  // What was in the way of the database may have been one of the processes that are dead now.
  if (halted.status === "rejected" && hooks.length > 0) halted = await settled(halt());
  const { pending, running } =
    halted.status === "fulfilled" ? halted.value : { pending: [], running: [] };
  const waited = await settled(
    waitUntilStopped(
      db,
      running.map(({ id }) => id),
      limitMs,
    ),
  );

  const ended = hooks.map((hook) => (hook.status === "fulfilled" ? hook.value : 0));
  const hookCount = ended.reduce<number>(
    (sum, what) => sum + (typeof what === "number" ? what : what.length),
    0,
  );
  const cancelledCount = pending.length + running.length + hookCount;
  const stopped = [
    ...ended.flatMap((what) => (typeof what === "number" ? [] : what)),
    ...running.map((action) => ofAction(action, "running")),
    ...pending.map((action) => ofAction(action, "pending")),
  ].slice(0, STOPPED_TOLD);
  const record = async () =>
    await new ActionAuditor(db, options.clock).logKillSwitch(cancelledCount, principalOf(request), {
      pending: pending.length,
      running: running.length,
      hooks: hookCount,
      stopped: stopped.slice(0, STOPPED_RECORDED).map(describe),
      complete: [halted, waited, ...hooks].every(({ status }) => status === "fulfilled"),
      reason: String(redactSecrets(request.reason).value),
    });
  const recorded = await settled(within(limitMs, record()));

  const failures = [halted, waited, recorded, ...hooks].flatMap((part): unknown[] =>
    part.status === "rejected" ? [part.reason] : [],
  );
  if (failures.length === 0) return { cancelledCount, stopped };
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
  throw new OperatorError(
    "kill-switch-incomplete",
    `The kill switch cancelled ${cancelledCount} and failed in ${failures.length} part(s) (${failures.map((part) => queryFailure(part) ?? String(part)).join("; ")}): run jarvis kill again, or stop the agent's processes by hand.`,
    { cause },
  );
}

/** The mode, then what is pending, then the order to stop to what runs: answers what that was. */
async function haltActions(
  db: JarvisDatabase,
  request: ModeRequest,
  options: ModeChangeOptions,
): Promise<{ pending: readonly NamedAction[]; running: readonly NamedAction[] }> {
  await observeAtOnce(db, request, options);
  const by = principalOf(request);
  const pending = await inTransaction(db, async (tx) => await cancelPending(tx, why, by));
  // After the cancellation: what was being started meanwhile is either cancelled or seen here.
  const running = await inTransaction(db, async (tx) => await requestStop(tx, why));
  return { pending, running };
}

function ofAction({ id, name }: NamedAction, was: Stopped["was"]): Stopped {
  return { kind: "action", name, id, runId: null, was };
}

/** One of them in a few words, as the ledger keeps it. */
function describe({ kind, name, id, runId, was }: Stopped): string {
  const number = id === null ? "" : ` ${id}`;
  return `${kind}${number} ${name}${runId === null ? "" : ` of ${runId}`} (${was})`.slice(0, 200);
}

// Losing a race is no answer for a kill switch. Each round loses only to a writer that won.
async function observeAtOnce(
  db: JarvisDatabase,
  request: ModeRequest,
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

// Their executors end them. One that died cannot, and is known by the lease it does not renew.
async function waitUntilStopped(
  db: JarvisDatabase,
  ids: readonly number[],
  limitMs: number,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (let running = ids; ; await sleep(10)) {
    running = await stillExecuting(db, running);
    if (running.length === 0) return;
    if (performance.now() >= deadline) {
      throw new Error(`action(s) ${running.join(", ")} did not stop within ${limitMs} ms`);
    }
    await closeAbandoned(db);
  }
}

async function settled<T>(part: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([part]);
  return result;
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`the database did not answer within ${limitMs} ms`);
    timer = setTimeout(reject, limitMs, error);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
