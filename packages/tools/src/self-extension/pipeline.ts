import { DBOS } from "@dbos-inc/dbos-sdk";
import { z } from "zod";
import { blockReasons, type BlockReason } from "./block-reasons.ts";
import { continueFromEvidence } from "./continue-run.ts";
import { readRunEvents } from "./lifecycle-events.ts";
import { gitSha } from "./lifecycle-payloads.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { promoteByAction } from "./promotion-action.ts";
import { PromotionQueue } from "./promotion-queue.ts";
import { parseProposal } from "./proposal.ts";
import { recordBlock, recordFailure } from "./record-outcome.ts";
import { recordProposal } from "./record-proposal.ts";
import { recordVerdict, repeatVerdict } from "./record-verdict.ts";
import { refuseWithoutRoom, requireRoomToRecord } from "./room.ts";
import { loadStaged, readProposal } from "./staged-change.ts";
import { stageChange } from "./staging-deployer.ts";
import { verifyChange } from "./verification.ts";

/**
 * The protocol between this code and workflows that an earlier version began. Bumped by hand when a
 * step's name, order or result changes its meaning: DBOS would otherwise derive it from the code,
 * and an agent that changes its code would strand every run that is under way.
 */
export const PIPELINE_PROTOCOL = "1";

/** How often a change is staged and verified anew because the base moved under it. */
const MAX_ROUNDS = 5;

// Step results are stored by the engine and are mutable there: only ids and closed codes go in, and
// what comes back is parsed and then checked against ledger and git by `loadStaged`/`loadVerified`.
const stageResult = z.object({ stagedSha: gitSha.nullable(), alreadyVerified: z.boolean() });
const verifyResult = z.object({ passed: z.boolean() });
const promoteResult = z.object({ promoted: z.boolean(), reasons: z.array(z.enum(blockReasons)) });

export interface Pipeline {
  /**
   * Takes a change in: recorded as `proposed`, its workflow started. Throws `invalid-proposal`, and
   * `disk-low` where there is no room to record it.
   */
  submit(input: unknown): Promise<{ runId: string }>;
  /** Starts attempt `attempt` of a run; starting the same one twice is one attempt. */
  start(runId: string, attempt: number): Promise<void>;
  /** The three stages as they run inside the workflow, for tests that need no engine. */
  readonly steps: PipelineSteps;
}

/**
 * The order of the work: propose, stage, verify, promote. It is a durable workflow; each stage is a
 * step that can be repeated after a crash, because each looks at ledger, git and GitHub first.
 * To be called once in a process, before `DBOS.launch()`.
 */
export function registerPipeline(world: () => PipelineWorld): Pipeline {
  const steps = pipelineSteps(world);

  const run = pipelineWorkflow(world, steps, {
    runStep: async (step, name) => await DBOS.runStep(step, { name }),
  });
  const selfExtension = async (runId: string, attempt: number): Promise<void> =>
    await run(runId, attempt);

  const workflow = DBOS.registerWorkflow(selfExtension, { name: "self-extension" });

  async function start(runId: string, attempt: number): Promise<void> {
    // The workflow id makes a second start of the same attempt the same workflow.
    await DBOS.startWorkflow(workflow, { workflowID: `${runId}:${attempt}` })(runId, attempt);
  }

  return {
    steps,
    start,
    async submit(input) {
      const proposal = parseProposal(input);
      await requireRoomToRecord(world());
      const runId = await recordProposal(world(), proposal);
      await start(runId, 1);
      return { runId };
    },
  };
}

/** What keeps the results of steps, so that a workflow that is begun again does none of them twice. */
export interface WorkflowEngine {
  runStep<T>(step: () => Promise<T>, name: string): Promise<T>;
}

/** One attempt of a run from its first step to its end, on an engine. Throws nothing that it can record. */
export function pipelineWorkflow(
  world: () => PipelineWorld,
  steps: PipelineSteps,
  engine: WorkflowEngine,
): (runId: string, attempt: number) => Promise<void> {
  async function runStage<T>(stage: () => Promise<T>, name: string): Promise<T> {
    return await engine.runStep(async () => await world().inStage(stage), name);
  }

  return async (runId, attempt) => {
    try {
      for (let round = 1; round <= MAX_ROUNDS; round += 1) {
        const staged = stageResult.parse(
          await runStage(() => steps.stage(runId, attempt), `stage-${round}`),
        );
        const { stagedSha } = staged;
        if (stagedSha === null) return;
        if (!staged.alreadyVerified) {
          const verdict = verifyResult.parse(
            await runStage(() => steps.verify(runId, stagedSha), `verify-${round}`),
          );
          if (!verdict.passed) return;
        }
        const outcome = promoteResult.parse(
          await runStage(() => steps.promote(runId, stagedSha, attempt), `promote-${round}`),
        );
        if (!outcome.reasons.includes("base-moved")) return;
      }
      await engine.runStep(() => steps.giveUp(runId, attempt), "give-up");
    } catch (error) {
      await engine.runStep(() => recordFailure(world(), runId, attempt, error), "fail");
    } finally {
      steps.ended(runId);
    }
  };
}

export interface PipelineSteps {
  stage(
    runId: string,
    attempt: number,
  ): Promise<{ stagedSha: string | null; alreadyVerified: boolean }>;
  verify(runId: string, stagedSha: string): Promise<{ passed: boolean }>;
  promote(
    runId: string,
    stagedSha: string,
    attempt: number,
  ): Promise<{ promoted: boolean; reasons: BlockReason[] }>;
  giveUp(runId: string, attempt: number): Promise<void>;
  /** The attempt has come to its end, however it did. */
  ended(runId: string): void;
}

export function pipelineSteps(world: () => PipelineWorld): PipelineSteps {
  const queue = new PromotionQueue();
  return {
    async stage(runId, attempt) {
      world().progress(runId, "stage");
      const continuation = await continueFromEvidence(world(), runId);
      if (continuation.kind === "continue") {
        return { stagedSha: continuation.stagedSha, alreadyVerified: true };
      }
      if (continuation.kind === "unanswered") {
        const { context } = await readProposal(world(), runId);
        await recordBlock(world(), context, attempt, "stage", [
          { reason: continuation.problem.reason, detail: continuation.problem.detail },
        ]);
        return { stagedSha: null, alreadyVerified: false };
      }
      const tight = await refuseWithoutRoom(world());
      if (tight !== null) {
        const { context } = await readProposal(world(), runId);
        await recordBlock(world(), context, attempt, "stage", [tight]);
        return { stagedSha: null, alreadyVerified: false };
      }
      const outcome = await stageChange(world(), runId, attempt);
      return {
        stagedSha: outcome.staged ? outcome.change.stagedSha : null,
        alreadyVerified: false,
      };
    },

    async verify(runId, stagedSha) {
      const change = await loadStaged(world(), runId, stagedSha);
      const known = (await readRunEvents(world().db, runId)).findLast(
        (event) =>
          event.type === "tested" &&
          event.payload.treeSha === change.treeSha &&
          event.payload.baseSha === change.baseSha &&
          // A no stands for its attempt. The next one is made because something may have changed:
          // what a person let pass, or, of a revert, whatever kept it from passing.
          (event.payload.passed || event.payload.attempt === change.attempt),
      );
      if (known?.type === "tested") {
        await repeatVerdict(world(), change, known.payload);
        return { passed: known.payload.passed };
      }
      const tight = await refuseWithoutRoom(world());
      if (tight !== null) {
        await recordBlock(world(), change.context, change.attempt, "verify", [tight]);
        return { passed: false };
      }
      const outcome = await verifyChange(world(), change);
      if (outcome.kind === "no-verdict") {
        await recordBlock(world(), change.context, change.attempt, "verify", [outcome]);
        return { passed: false };
      }
      await recordVerdict(world(), change, outcome.evidence, outcome.evidenceDigest);
      return { passed: outcome.evidence.verdict === "passed" };
    },

    async promote(runId, stagedSha, attempt) {
      const outcome = await queue.turn(
        runId,
        async () => await promoteByAction(world(), runId, stagedSha, attempt),
        (result) => !result.promoted && result.reasons.includes("base-moved"),
      );
      return { promoted: outcome.promoted, reasons: outcome.promoted ? [] : [...outcome.reasons] };
    },

    ended(runId) {
      queue.leave(runId);
      world().ended(runId);
    },

    async giveUp(runId, attempt) {
      const [first] = await readRunEvents(world().db, runId);
      if (first === undefined) return;
      await recordBlock(world(), first.context, attempt, "promote", [
        {
          reason: "base-moved",
          detail: `The base moved ${MAX_ROUNDS} times while the change was verified; propose it again when the base is quieter.`,
        },
      ]);
    },
  };
}
