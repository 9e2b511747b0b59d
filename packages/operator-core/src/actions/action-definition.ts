import { effectClasses, riskLevels } from "@jarvis/db";
import { z } from "zod";
import type { ProcessRequest, ProcessResult } from "./action-processes.ts";
import type { ExecutionPermit } from "./execution-permit.ts";
import type { PerformOutcome } from "./perform-action.ts";

/** What an action can do to the world, from nothing to what nobody can take back. */
export const EffectClass = z.enum(effectClasses);
export type EffectClass = z.infer<typeof EffectClass>;

export const RiskLevel = z.enum(riskLevels);
export type RiskLevel = z.infer<typeof RiskLevel>;

/** What a running action is given. Only the executor can make one: see `ExecutionPermit`. */
export type ActionContext = {
  readonly permit: ExecutionPermit;
  readonly proposalId: number;
  /** Counts from 1; more than 1 only for an idempotent action. */
  readonly attempt: number;
  /**
   * Aborted by a kill switch, a cancellation or the timeout. An action has to end on it by throwing;
   * one that returns has completed.
   */
  readonly signal: AbortSignal;
  /**
   * Runs a program in a process tree of its own, without this process's environment. The tree is
   * killed when the signal is aborted and when the action is over, before its end is recorded.
   */
  readonly runProcess: (request: ProcessRequest) => Promise<ProcessResult>;
  /**
   * An action within this one: proposed, judged and recorded like any other, for the same requester
   * in the same session, and stopped with this one.
   */
  readonly perform: (
    actionName: string,
    parameters: Readonly<Record<string, unknown>>,
  ) => Promise<PerformOutcome>;
};

export interface ActionDefinition<Parameters = unknown, Result = unknown> {
  readonly name: string;
  readonly description: string;
  readonly parameters: z.ZodType<Parameters>;
  readonly effect: EffectClass;
  readonly risk: RiskLevel;
  readonly needsApproval: boolean;
  /** Whether running it twice is the same as once. Nothing else is ever retried. */
  readonly idempotent: boolean;
  readonly timeoutMs: number;
  /** The paths it would change, relative to the workspace, for the policy to look at. */
  paths?(parameters: Parameters): readonly string[];
  run(parameters: Parameters, context: ActionContext): Promise<Result>;
}

/** Ties parameters to their schema; what it answers fits a registry. */
export function defineAction<Parameters, Result>(
  definition: ActionDefinition<Parameters, Result>,
): ActionDefinition<Parameters, Result> {
  return definition;
}
