import type { JarvisDatabase } from "@jarvis/db";
import {
  callerOf,
  defineAction,
  ObserveOnlyError,
  type ActionDefinition,
  type ActionExecutor,
  type PerformOutcome,
  type Principal,
} from "@jarvis/operator-core";
import { SelfExtensionError, type Pipeline } from "@jarvis/tools/self-extension";
import { z } from "zod";
import type { Json } from "../../body/protocol.ts";
import type { BodyKeeper } from "../body/keeper.ts";
import type { AskOutcome, BodyRequests } from "../body/requests.ts";
import { ProposalQuota, QuotaExceeded } from "../../proposal-quota.ts";

export const CALL_TOOL = "call_tool";

const parameters = z.strictObject({
  tool: z.string().min(1),
  input: z.custom<Json>((value) => value !== undefined),
  goalId: z.string().nullable(),
});

const TOOL_LIMIT_MS = 60_000;
const body: Principal = { kind: "agent", name: "body" };

/** Every tool call of the body is this action: it is performed in the body's sandbox, which reaches nothing. */
export function callToolAction(serving: () => BodyKeeper | null): ActionDefinition {
  return defineAction({
    name: CALL_TOOL,
    description: "lets the body call one of its tools",
    parameters,
    effect: "process",
    risk: "low",
    needsApproval: false,
    idempotent: false,
    timeoutMs: TOOL_LIMIT_MS,
    async run({ tool, input }, { signal }) {
      const keeper = serving();
      if (keeper === null) throw new Error("no body runs");
      const answer = await keeper.perform(tool, input, { signal });
      if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.message}`);
      return answer.output;
    },
  });
}

/** What the body asks of the kernel is decided by the executor; what it proposes is a change like any other. */
export function bodyRequests(parts: {
  readonly db: JarvisDatabase;
  readonly executor: ActionExecutor;
  readonly pipeline: Pick<Pipeline, "submit">;
}): BodyRequests {
  const quota = new ProposalQuota();
  return {
    async ask({ tool, input, goalId }, signal) {
      const request = {
        actionName: CALL_TOOL,
        parameters: { tool, input, goalId: goalId ?? null },
        reason: `the body asks for ${tool}`,
        requester: body,
        agentId: body.name,
        sessionId: `body:${goalId ?? "none"}`,
      };
      try {
        return answerOf(await parts.executor.perform(request, { signal }));
      } catch (error) {
        if (error instanceof ObserveOnlyError) return refused(error.message);
        return { outcome: "unavailable", reason: messageOf(error) };
      }
    },
    async report() {
      // A body's words decide nothing; goals have a place of their own once there are any.
    },
    async propose({ patch, title, goalId }) {
      try {
        const submit = async () =>
          await parts.pipeline.submit({
            patch,
            title,
            goalId,
            actor: body.name,
            actorSource: "agent",
          });
        const caller = callerOf(body.name, "propose");
        const bytes = Buffer.byteLength(patch);
        const { runId } = await quota.within(parts.db, caller, bytes, submit);
        return { outcome: "completed", output: runId };
      } catch (error) {
        const isRefusal = error instanceof SelfExtensionError || error instanceof QuotaExceeded;
        if (isRefusal) return refused(error.message);
        return { outcome: "unavailable", reason: messageOf(error) };
      }
    },
  };
}

function answerOf(performed: PerformOutcome): AskOutcome {
  switch (performed.outcome) {
    case "completed":
      return { outcome: "completed", output: performed.result as Json };
    case "failed":
      return { outcome: "failed", reason: performed.error };
    case "cancelled":
      return refused(performed.reason);
    case "invalid":
      return refused(performed.errors.map(({ message }) => message).join("; "));
    case "approval-needed":
    case "refused":
      return refused(performed.detail);
  }
}

function refused(reason: string): AskOutcome {
  return { outcome: "refused", reason };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
