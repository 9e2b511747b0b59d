import { connectionProblem } from "../../self-extension/host-problem.ts";
import { land } from "../../self-extension/promotion-landing.ts";
import {
  pausePromotion,
  resumePromotion,
  tendIntents,
} from "../../self-extension/promotion-pause.ts";
import { PromotionQueue } from "../../self-extension/promotion-queue.ts";
import { promotionRemote } from "../../self-extension/promotion-remote.ts";
import type { SettleWorld } from "../../self-extension/settle-intent.ts";
import type { Scheduler } from "./scheduler.ts";

/** The host beside the world's own way to it: what others do there, and what can be looked at. */
export interface ScheduleHost {
  /** Makes the commit that a run would land on a base; the same one each time. */
  readonly commit: (parent: string, label: string) => Promise<string>;
  readonly push: (label: string) => Promise<string>;
  readonly history: () => Promise<string[]>;
  /** Pull requests of a branch, whatever their state. */
  readonly pullsOf: (branch: string) => Promise<number>;
  readonly evidenceOf: (sha: string) => Promise<number>;
  readonly fenceOf: (sha: string) => Promise<string | null>;
  /** Requests that nobody waits for any more, and that have not arrived. */
  readonly onTheirWay: () => number;
}

export interface ScheduleWorld {
  readonly settling: SettleWorld;
  readonly host: ScheduleHost;
  /** Lets time pass where nobody watches. */
  readonly pass: (ms: number) => Promise<void>;
}

export interface ScheduleShape {
  readonly runs: number;
  readonly pushes: number;
  readonly pauses: number;
}

export type Ending = "landed" | "base-moved";

export interface ScheduleResult {
  readonly endings: Readonly<Record<string, Ending>>;
  /** How often each reason parked a run on its way. */
  readonly parked: Readonly<Record<string, number>>;
  readonly acknowledged: number;
}

interface Step {
  readonly kind: "landed" | "base-moved" | "parked";
  readonly reason: string;
}

const MAX_ROUNDS = 5;
const MAX_ATTEMPTS = 200;
const REQUEST_LIFE_MS = 60_000;
const EVIDENCE = "jarvis/sandbox";

/**
 * Runs that are verified side by side and promoted one by one, while somebody pushes to the base and
 * an operator pauses and resumes, in the order that a schedule chooses. Throws where something is
 * promised and not kept:
 *
 * - after an acknowledged pause no promotion lands before the operator resumes;
 * - what stands on the base was verified on its very parent, or is somebody else's;
 * - nothing is done twice: pull requests, evidence, landings;
 * - every run ends, or is parked for a reason and goes on;
 * - at the end no intent is open, and no fence of what did not land.
 */
export async function runSchedule(
  scheduler: Scheduler,
  { settling, host, pass }: ScheduleWorld,
  name: string,
  shape: ScheduleShape,
): Promise<ScheduleResult> {
  const { store } = settling;
  const queue = new PromotionQueue();
  const remote = promotionRemote(settling.github());
  const verifiedOn = new Map<string, string>();
  const runOf = new Map<string, string>();
  const branches = new Set<string>();
  const endings: Record<string, Ending> = {};
  const parked: Record<string, number> = {};
  let acknowledged = 0;
  const over = new AbortController();
  let isPausing = true;
  const ours = async (): Promise<string[]> =>
    (await host.history()).filter((sha) => verifiedOn.has(sha));

  async function promoteOnce(
    run: string,
    attempt: number,
    base: string,
    head: string,
  ): Promise<Step> {
    const branch = `jarvis/${head}`;
    const control = await store.readControl();
    const mergeSha = await remote.landedAs(head);
    if (mergeSha === null) {
      if (control.paused) return { kind: "parked", reason: "promotion-paused" };
      if ((await remote.readBase()) !== base) return { kind: "base-moved", reason: "base-moved" };
      branches.add(branch);
      const at = await remote.ensureBranch(branch, head);
      if (at !== head) throw new Error(`branch ${branch} stands at ${at}`);
      const pullRequest = await remote.ensurePullRequest(branch, { title: run, body: head });
      const description = `evidence of ${head}`;
      await remote.ensureStatus(head, {
        context: EVIDENCE,
        state: "success",
        description,
        targetUrl: pullRequest.url,
      });
      const protection = await remote.readProtection();
      const landing = await land(
        {
          world: settling,
          remote,
          attempt,
          head: { sha: head },
          verified: { change: { runId: run, baseSha: base } },
        },
        {
          landing: "fast-forward",
          pullRequest,
          isRevert: false,
          isFenced: protection?.contexts.includes("jarvis/promotion") ?? false,
          lastLook: async () =>
            (await store.readControl()).paused
              ? { reasons: ["promotion-paused"], detail: "paused" }
              : null,
        },
      );
      if (landing.kind === "blocked") {
        return { kind: "parked", reason: landing.reasons.join(" ") };
      }
      if (landing.kind === "base-moved") {
        await remote.abandon(branch, head);
        return { kind: "base-moved", reason: "base-moved" };
      }
    }
    const landed = await remote.landedAs(head);
    if (landed === null) throw new Error(`${head} was said to have landed and has not`);
    await store.resolveLanded(head, landed);
    await remote.deleteBranch(branch, head);
    return { kind: "landed", reason: "" };
  }

  async function attemptRun(run: string, attempt: number): Promise<Step> {
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      const step = await unlessAway(async () => {
        const base = await remote.readBase();
        // Verification: the others go on meanwhile.
        for (let turns = scheduler.between(0, 3); turns > 0; turns -= 1) await scheduler.turn();
        // Asked after the base was read, as the pipeline does: a landing that nobody heard of may have
        // arrived on it.
        await noteLanded();
        const before = [...runOf].find(([sha, of]) => of === run && landedShas.has(sha))?.[0];
        const head = before ?? (await host.commit(base, run));
        if (before === undefined) {
          verifiedOn.set(head, base);
          runOf.set(head, run);
        }
        const verified = verifiedOn.get(head) ?? base;
        return await queue.turn(
          run,
          async () => await unlessAway(async () => await promoteOnce(run, attempt, verified, head)),
          ({ kind }) => kind === "base-moved",
        );
      });
      if (step.kind !== "base-moved") return step;
      await noteLanded();
    }
    return { kind: "base-moved", reason: "base-moved" };
  }

  /** A run that has landed goes on with that head, as its own patch would apply no more. */
  const landedShas = new Set<string>();
  async function noteLanded(): Promise<void> {
    for (const sha of await ours()) landedShas.add(sha);
  }

  async function work(run: string): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      await noteLanded();
      const step = await attemptRun(run, attempt);
      queue.leave(run);
      if (step.kind !== "parked") {
        endings[run] = step.kind;
        return;
      }
      parked[step.reason] = (parked[step.reason] ?? 0) + 1;
      for (let turns = scheduler.between(1, 8); turns > 0; turns -= 1) await scheduler.turn();
      // A request lives no longer than that: whatever was on its way has arrived.
      if (host.onTheirWay() === 0) await pass(REQUEST_LIFE_MS / 2);
    }
    throw new Error(`run ${run} has no end: ${JSON.stringify(parked)}`);
  }

  async function push(): Promise<void> {
    for (let count = 0; count < shape.pushes; count += 1) {
      for (let turns = scheduler.between(1, 60); turns > 0; turns -= 1) await scheduler.turn();
      await host.push(`${name}-push-${count}`);
    }
  }

  async function operate(): Promise<void> {
    for (let count = 0; count < shape.pauses; count += 1) {
      for (let turns = scheduler.between(1, 60); turns > 0; turns -= 1) await scheduler.turn();
      const change = { reason: `${name}-${count}`, updatedBy: "operator" };
      for (let tries = scheduler.between(1, 4); tries > 0; tries -= 1) {
        const answer = await quietly(
          async () => await pausePromotion(settling, change, { waitMs: 0 }),
        );
        if (answer?.acknowledged === true) {
          acknowledged += 1;
          const before = await ours();
          for (let turns = scheduler.between(1, 30); turns > 0; turns -= 1) await scheduler.turn();
          const after = await ours();
          if (after.length !== before.length) {
            throw new Error(`${after[0] ?? ""} landed after a pause was acknowledged`);
          }
          break;
        }
        await scheduler.turn();
      }
      await quietly(async () => await resumePromotion(settling, change));
      // The switch is what counts; what is said beside it may have met a host that was away.
      while ((await store.readControl()).paused)
        await store.setControl({ ...change, paused: false });
    }
    isPausing = false;
  }

  async function tend(): Promise<void> {
    while (!over.signal.aborted) {
      for (let turns = scheduler.between(4, 20); turns > 0; turns -= 1) await scheduler.turn();
      await quietly(async () => await tendIntents(settling));
    }
  }

  const runs = Array.from({ length: shape.runs }, (_, index) => `${name}-run-${index}`);
  const working = Promise.all([...runs.map(work), push(), operate()]).finally(() => over.abort());
  await scheduler.run([working, tend()]);
  if (isPausing) throw new Error("the operator did not end");

  await check();
  return { endings, parked, acknowledged };

  /** What has to hold when everybody is done; nothing goes wrong any more. */
  async function check(): Promise<void> {
    await scheduler.run([
      (async () => {
        for (let tries = 0; tries < 50; tries += 1) {
          if (host.onTheirWay() === 0) await pass(REQUEST_LIFE_MS);
          else await scheduler.turn();
          const settled = await quietly(async () => {
            await pausePromotion(settling, { reason: "end", updatedBy: "end" }, { waitMs: 0 });
            await tendIntents(settling);
            const left = [...(await store.openIntents()), ...(await store.intentsToClose())];
            return left.length === 0;
          });
          if (settled === true) return;
        }
        throw new Error(`intents are left: ${JSON.stringify(await store.openIntents())}`);
      })(),
    ]);
    await scheduler.run([verifyEnd()]);
  }

  async function verifyEnd(): Promise<void> {
    const history = await host.history();
    for (const [index, sha] of history.entries()) {
      const base = verifiedOn.get(sha);
      if (base !== undefined && base !== history[index + 1]) {
        throw new Error(`${sha} was verified on ${base} and landed on ${history[index + 1] ?? ""}`);
      }
    }
    for (const run of runs) {
      const landed = history.filter((sha) => runOf.get(sha) === run);
      const wanted = endings[run] === "landed" ? 1 : 0;
      if (endings[run] === undefined) throw new Error(`run ${run} did not end`);
      if (landed.length !== wanted) {
        throw new Error(`run ${run} ended ${endings[run]} and landed ${landed.length} times`);
      }
    }
    for (const branch of branches) {
      const count = await host.pullsOf(branch);
      if (count > 1) throw new Error(`${branch} has ${count} pull requests`);
    }
    for (const [sha, run] of runOf) {
      const evidence = await host.evidenceOf(sha);
      if (evidence > 1) throw new Error(`${sha} of ${run} has ${evidence} statuses of evidence`);
      if (!history.includes(sha) && (await host.fenceOf(sha)) === "success") {
        throw new Error(`the fence of ${sha} is open, which did not land`);
      }
    }
  }
}

async function unlessAway(work: () => Promise<Step>): Promise<Step> {
  try {
    return await work();
  } catch (error) {
    if (connectionProblem(error) === null) throw error;
    return { kind: "parked", reason: "github-not-connected" };
  }
}

/** Null where the host was away: whoever asks does so again. */
async function quietly<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (connectionProblem(error) === null) throw error;
    return null;
  }
}
