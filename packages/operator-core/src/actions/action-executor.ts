import { randomUUID } from "node:crypto";
import type { JarvisDatabase } from "@jarvis/db";
import { ObserveOnlyError, OperatorError } from "../errors.ts";
import { redactSecrets } from "../redaction.ts";
import type { Gatekeeper } from "../safety-controller.ts";
import type { ActionContext } from "./action-definition.ts";
import type { ActionPolicy } from "./action-policy.ts";
import type { ActionProposal } from "./action-proposal.ts";
import type { ActionRegistry } from "./action-registry.ts";
import { approvalLifeMs } from "./approval-token.ts";
import { approveProposal } from "./approve-proposal.ts";
import type { Approval, ApprovalOutcome } from "./approve-proposal.ts";
import { ActionAuditor } from "./auditor.ts";
import type { Principal } from "./audit-event.ts";
import { beginAction } from "./begin-action.ts";
import type { Begun } from "./begin-action.ts";
import { endAction } from "./end-action.ts";
import type { ExecutionOutcome } from "./end-action.ts";
import {
  closeAbandoned,
  expireApprovals,
  moveProposal,
  readProposalRow,
  requestStop,
} from "./proposal-store.ts";
import { performAction } from "./perform-action.ts";
import type { PerformOutcome } from "./perform-action.ts";
import { proposeAction } from "./propose-action.ts";
import type { ActionRequest, QuotaOf } from "./propose-action.ts";
import { attemptLimits, runAttempts } from "./run-attempts.ts";
import type { AttemptLimits } from "./run-attempts.ts";
import { RunningActions } from "./running-actions.ts";
import type { SessionRiskTracker } from "./session-risk.ts";
import { validateProposal } from "./validate-proposal.ts";
import type { ValidationOutcome } from "./validate-proposal.ts";

// A tool that calls itself ends, and says why.
const maxDepth = 5;

export type CancelOutcome = { outcome: "cancelled" | "stopping" | "ended" | "lost-race" };

export type ActionExecutorWorld = {
  readonly db: JarvisDatabase;
  readonly registry: ActionRegistry;
  readonly policy: ActionPolicy;
  /** What is asked for permission; what it last showed to people is no part of it. */
  readonly safety: Gatekeeper;
  readonly sessions: SessionRiskTracker;
  readonly quotaOf?: QuotaOf;
  /** Names who executes; unique among all executors there ever were. */
  readonly executorId?: string;
  readonly limits?: Partial<AttemptLimits & { approvalLifeMs: number }>;
  readonly random?: () => number;
};

/**
 * The only way an action is executed: proposed, validated, approved where that is needed, begun.
 *
 * Beginning is a check of the safety mode, a compare-and-set on the proposal's version, and the
 * check once more. A kill switch sets the mode before it looks for what runs: so it either sees the
 * proposal that was claimed, or the second check sees the mode. Nothing is locked while an action
 * runs; different actions run side by side.
 */
export class ActionExecutor {
  readonly id: string;
  readonly #world: ActionExecutorWorld;
  readonly #limits: AttemptLimits & { approvalLifeMs: number };
  readonly #running: RunningActions;
  readonly #forget: () => void;
  /** Of what runs, how deep it stands in actions that asked for it. */
  readonly #depths = new Map<number, number>();

  constructor(world: ActionExecutorWorld) {
    this.id = world.executorId ?? `executor-${randomUUID()}`;
    this.#world = world;
    this.#limits = { ...attemptLimits, approvalLifeMs, ...world.limits };
    this.#running = new RunningActions(world.db, this.id);
    this.#forget = world.safety.onChange(() => this.#running.look());
  }

  /**
   * Records what somebody wants done. Allowed in every mode: a plan does nothing.
   * @throws OperatorError `malformed-proposal` for parameters that cannot be stored.
   */
  async propose(request: ActionRequest): Promise<ActionProposal> {
    return await proposeAction(this.#world.db, this.#world, request);
  }

  /**
   * Proposes, validates and executes in one go, for whoever waits for the answer. What needs an
   * approval is not waited for: it is cancelled and answered as such.
   * @throws ObserveOnlyError when the mode does not allow it; the proposal is cancelled.
   */
  async perform(
    request: ActionRequest,
    options: { signal?: AbortSignal } = {},
  ): Promise<PerformOutcome> {
    return await performAction(this, request, options);
  }

  /** Looks at everything at once, against what is registered now. */
  async validate(proposalId: number): Promise<ValidationOutcome> {
    return await validateProposal(this.#world.db, this.#world, proposalId);
  }

  /**
   * Approves what the person was shown, named by its digest. The token is answered once, works once
   * and for a minute; the database keeps only its hash.
   */
  async approve(proposalId: number, approval: Approval): Promise<ApprovalOutcome> {
    const lifeMs = this.#limits.approvalLifeMs;
    return await approveProposal(this.#world.db, proposalId, approval, lifeMs);
  }

  /**
   * Begins and ends one action. `signal` stops it together with whoever waits for it.
   * @throws ObserveOnlyError when the mode does not allow it; the proposal stays as it was.
   */
  async execute(
    proposalId: number,
    options: { approvalToken: string | undefined; signal?: AbortSignal },
  ): Promise<ExecutionOutcome> {
    const { effect } = await readProposalRow(this.#world.db, proposalId);
    await this.#world.safety.checkMayRun(effect);
    const executor = { ...this.#world, id: this.id };
    const begun = await beginAction(this.#world.db, executor, proposalId, options.approvalToken);
    return begun.outcome === "begun" ? await this.#run(begun, options.signal) : begun;
  }

  async reject(
    proposalId: number,
    rejection: { by: Principal; reason: string },
  ): Promise<{ outcome: "rejected" | "lost-race" }> {
    const reason = String(redactSecrets(rejection.reason).value);
    return await this.#world.db.transaction(async (tx) => {
      const row = await readProposalRow(tx, proposalId);
      const rejected = await moveProposal(tx, row, "rejected", { endReason: reason });
      if (rejected === null) return { outcome: "lost-race" };
      await new ActionAuditor(tx).logRejected(proposalId, { by: rejection.by, reason });
      return { outcome: "rejected" };
    });
  }

  /** Cancels what has not begun, and asks what runs to stop, wherever it runs. */
  async cancel(
    proposalId: number,
    cancellation: { by: Principal; reason: string },
  ): Promise<CancelOutcome> {
    const reason = String(redactSecrets(cancellation.reason).value);
    return await this.#world.db.transaction(async (tx) => {
      const row = await readProposalRow(tx, proposalId);
      if (row.state === "executing") {
        await requestStop(tx, reason, proposalId);
        return { outcome: "stopping" };
      }
      const cancelled = await moveProposal(tx, row, "cancelled", { endReason: reason });
      if (cancelled === null) return { outcome: row.endedAt === null ? "lost-race" : "ended" };
      await new ActionAuditor(tx).logCancelled(proposalId, reason, cancellation.by);
      return { outcome: "cancelled" };
    });
  }

  /**
   * Tidies up after executors that died and approvals that nobody used. `dead` names executors that
   * are known not to live any more; of others it is believed once their lease has run out, and never
   * of this one.
   */
  async recover(options: { dead: readonly string[] } = { dead: [] }): Promise<{
    abandoned: number;
    expired: number;
  }> {
    return {
      abandoned: await closeAbandoned(this.#world.db, {
        dead: options.dead,
        alive: this.#running.ids(),
      }),
      expired: await expireApprovals(this.#world.db),
    };
  }

  /** Stops what this executor runs, for a process that ends. */
  close(reason = "the executor is closing"): void {
    this.#forget();
    this.#running.stopAll(reason);
  }

  async #run(
    { proposal, definition, parameters }: Begun,
    outer: AbortSignal | undefined,
  ): Promise<ExecutionOutcome> {
    const startedAt = performance.now();
    const stop = this.#running.add(proposal.id);
    const abort = () => this.#running.stop(proposal.id, "whoever asked for it was stopped");
    outer?.addEventListener("abort", abort, { once: true });
    if (outer?.aborted === true) abort();
    try {
      const end = await runAttempts({
        definition,
        parameters,
        proposalId: proposal.id,
        stop,
        blocked: async () => await this.#blocked(proposal),
        perform: (signal) => this.#within(proposal, signal),
        limits: this.#limits,
        random: this.#world.random ?? Math.random,
      });
      const durationMs = Math.round(performance.now() - startedAt);
      return await endAction(this.#world.db, this.id, proposal, end, durationMs);
    } finally {
      outer?.removeEventListener("abort", abort);
      this.#running.remove(proposal.id);
    }
  }

  // Who asks for the inner action is who asked for the outer one, whatever its parameters say.
  #within(outer: ActionProposal, signal: AbortSignal): ActionContext["perform"] {
    return async (actionName, parameters) => {
      const depth = this.#depths.get(outer.id) ?? 0;
      if (depth >= maxDepth) {
        throw new OperatorError(
          "not-permitted",
          `Actions call each other ${maxDepth} deep at most; ${actionName} was not begun.`,
        );
      }
      const request: ActionRequest = {
        actionName,
        parameters,
        reason: `asked for by ${outer.actionName} (action ${outer.id})`,
        requester: { kind: outer.requesterKind, name: outer.requestedBy },
        agentId: outer.agentId,
        sessionId: outer.sessionId,
      };
      let inner = 0;
      const proposed = (id: number) => {
        inner = id;
        this.#depths.set(id, depth + 1);
      };
      try {
        return await performAction(this, request, { signal, proposed });
      } finally {
        this.#depths.delete(inner);
      }
    };
  }

  // The check after the claim, and before every further attempt.
  async #blocked(proposal: ActionProposal): Promise<string | null> {
    try {
      await this.#world.safety.checkMayRun(proposal.effect);
    } catch (error) {
      if (error instanceof ObserveOnlyError) return error.message;
      throw error;
    }
    // A kill whose mode was lifted again at once is still an order to stop what was claimed.
    const row = await readProposalRow(this.#world.db, proposal.id);
    if (row.state !== "executing") return `the proposal is ${row.state}`;
    return row.stopReason;
  }
}
