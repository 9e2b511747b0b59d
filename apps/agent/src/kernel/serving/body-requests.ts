import type { JarvisDatabase } from "@jarvis/db";
import {
  callerOf,
  defineAction,
  messageOf,
  ObserveOnlyError,
  type ActionDefinition,
  type ActionExecutor,
  type PerformOutcome,
  type Principal,
} from "@jarvis/operator-core";
import { SelfExtensionError, type Mirror, type Pipeline } from "@jarvis/tools/self-extension";
import { z } from "zod";
import {
  AUTHOR,
  KERNEL_FETCH,
  KERNEL_PROPOSE,
  KERNEL_QUERY,
  type Json,
} from "../../body/protocol.ts";
import { FETCH_URL } from "../body-tools/fetch-action.ts";
import { QUERY_DATABASE } from "../body-tools/query-action.ts";
import { filesProposal, patchOfFiles } from "../body-tools/propose-files.ts";
import { AUTHOR_CHANGE } from "../goals/author-action.ts";
import type { BodyKeeper } from "../body/keeper.ts";
import type { AskOutcome, BodyRequests, Proposal } from "../body/requests.ts";
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
  readonly mirror: Mirror;
  readonly executor: ActionExecutor;
  readonly pipeline: Pick<Pipeline, "submit">;
}): BodyRequests {
  const quota = new ProposalQuota();

  async function propose({ patch, title, goalId }: Proposal): Promise<AskOutcome> {
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
  }

  return {
    async ask({ tool, input, goalId }, signal) {
      if (tool === KERNEL_PROPOSE) {
        const given = filesProposal.safeParse(input);
        if (!given.success) return refused("The files to be proposed cannot be read.");
        try {
          const patch = await patchOfFiles(parts, given.data);
          const about = goalId === undefined ? {} : { goalId };
          return await propose({ patch, title: given.data.title, ...about });
        } catch (error) {
          if (error instanceof SelfExtensionError) return refused(error.message);
          return { outcome: "unavailable", reason: messageOf(error) };
        }
      }
      const request = {
        ...actionFor(tool, input, goalId),
        reason: `the body asks for ${tool}`,
        requester: body,
        agentId: body.name,
        sessionId: `body:${goalId ?? "none"}`,
      };
      try {
        const answer = answerOf(await parts.executor.perform(request, { signal }));
        // What the kernel could not do for it is no fault of the body's.
        const isOurs = request.actionName !== CALL_TOOL && answer.outcome === "failed";
        return isOurs ? { outcome: "unavailable", reason: answer.reason } : answer;
      } catch (error) {
        if (error instanceof ObserveOnlyError) return refused(error.message);
        return { outcome: "unavailable", reason: messageOf(error) };
      }
    },
    async report() {
      // A body's words decide nothing; goals have a place of their own once there are any.
    },
    propose,
  };
}

/** What the body asks for by a name that no tool of its own has is the kernel's to do. */
function actionFor(tool: string, input: Json, goalId: string | undefined) {
  if (tool === AUTHOR && goalId !== undefined) {
    return { actionName: AUTHOR_CHANGE, parameters: { goalId } };
  }
  if (tool === KERNEL_FETCH && typeof input === "object" && input !== null) {
    return { actionName: FETCH_URL, parameters: { ...input } };
  }
  if (tool === KERNEL_QUERY && typeof input === "object" && input !== null) {
    return { actionName: QUERY_DATABASE, parameters: { ...input } };
  }
  return { actionName: CALL_TOOL, parameters: { tool, input, goalId: goalId ?? null } };
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
