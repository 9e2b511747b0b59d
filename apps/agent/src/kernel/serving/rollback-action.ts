import { randomUUID } from "node:crypto";
import {
  defineAction,
  type ActionDefinition,
  type ActionExecutor,
  type Principal,
} from "@jarvis/operator-core";
import { rollbackCauses, type RollbackCause } from "@jarvis/tools/self-extension";
import { z } from "zod";
import { inTime, PASSING_PATIENCE_MS } from "./in-time.ts";

export const ROLL_BACK = "roll_back";

const parameters = z.strictObject({
  job: z.string(),
  fromReleaseDigest: z.string(),
  cause: z.enum(rollbackCauses),
});

/** A body that comes up slowly, twice. */
const TIME_LIMIT_MS = 60_000;

const kernel: Principal = { kind: "system", name: "kernel" };

/** Rollbacks that are under way, each waiting for its action or going on without. */
export class RollbackJobs {
  readonly #jobs = new Map<string, () => Promise<unknown>>();

  /** The action of a rollback. It can only do what a rollback under way asks for, once. */
  action(): ActionDefinition {
    return defineAction({
      name: ROLL_BACK,
      description: "goes back to the release blessed before",
      parameters,
      effect: "promotion",
      risk: "low",
      needsApproval: false,
      idempotent: false,
      timeoutMs: TIME_LIMIT_MS,
      run: async ({ job }) => {
        const work = this.#take(job);
        if (work === null) throw new Error("this rollback goes on without its action");
        await work();
        return { job };
      },
    });
  }

  /**
   * Does the work as an action, so that it is on record like everything else. Where the executor does
   * not let it (observe, kill) or does not answer (the database is down), it is done all the same:
   * going back is what always has to work, and what was refused is on record too.
   */
  async asAction<T>(
    executor: Pick<ActionExecutor, "perform">,
    rollback: { fromReleaseDigest: string; cause: RollbackCause; reason: string },
    work: () => Promise<T>,
  ): Promise<T> {
    const job = randomUUID();
    const begun: { work?: Promise<T> } = {};
    this.#jobs.set(job, async () => await (begun.work = work()));
    const { fromReleaseDigest, cause, reason } = rollback;
    const performed = executor
      .perform({
        actionName: ROLL_BACK,
        parameters: { job, fromReleaseDigest, cause },
        reason,
        requester: kernel,
        agentId: null,
        sessionId: `rollback:${fromReleaseDigest}`,
      })
      .then(
        () => undefined,
        () => undefined,
      );
    await inTime(performed, PASSING_PATIENCE_MS, undefined);
    await this.#take(job)?.();
    return await (begun.work ?? work());
  }

  #take(job: string): (() => Promise<unknown>) | null {
    const work = this.#jobs.get(job) ?? null;
    this.#jobs.delete(job);
    return work;
  }
}
