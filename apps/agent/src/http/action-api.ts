import {
  ActionAuditor,
  listProposals,
  readProposal,
  redactSecrets,
  type ActionProposal,
  type Caller,
  type ExecutionOutcome,
  type RecordedAuditEvent,
} from "@jarvis/operator-core";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Kernel } from "../kernel/kernel.ts";
import * as routes from "./action-routes.ts";
import type { ApiEnvironment } from "./guard.ts";

/** An action is not where what was asked for is possible. */
export class ActionRefused extends Error {
  override readonly name = "ActionRefused";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The routes about proposed actions and the action ledger. The recorded actor is the token's. */
export function addActionRoutes(app: OpenAPIHono<ApiEnvironment>, kernel: () => Kernel): void {
  const db = () => kernel().database.db;

  app.openapi(routes.getActions, async (context) => {
    const { limit, before, state } = context.req.valid("query");
    const states = state === undefined ? undefined : [state];
    const proposals = await listProposals(db(), { limit, before, states });
    return context.json({ actions: proposals.map(asAction) }, 200);
  });

  app.openapi(routes.getAction, async (context) => {
    const { id } = context.req.valid("param");
    const action = asAction(await readProposal(db(), id));
    const events = await new ActionAuditor(db()).getEvents({ proposalId: id, limit: 500 });
    return context.json({ action, events: events.map(asEvent) }, 200);
  });

  app.openapi(routes.postApprove, async (context) => {
    const { id } = context.req.valid("param");
    const { digest } = context.req.valid("json");
    const { actions } = kernel();
    // Before the approval, which is used up by an execution that the mode refuses.
    await actions.safety.checkMayRun((await readProposal(db(), id)).effect);
    const approval = await actions.executor.approve(id, { by: by(context.get("caller")), digest });
    if (approval.outcome === "refused") {
      const detail = `Action ${id} was not approved: ${approval.detail}.`;
      throw new ActionRefused(approval.refusal, detail);
    }
    const execution = asExecution(await actions.runApproved(id, approval.token));
    return context.json({ action: asAction(await readProposal(db(), id)), execution }, 200);
  });

  app.openapi(routes.postReject, async (context) => {
    const { id } = context.req.valid("param");
    const { reason } = context.req.valid("json");
    const rejection = { by: by(context.get("caller")), reason };
    const { outcome } = await kernel().actions.executor.reject(id, rejection);
    const action = asAction(await readProposal(db(), id));
    if (outcome !== "rejected") {
      throw new ActionRefused("not-rejectable", `Action ${id} is ${action.state} already.`);
    }
    return context.json({ action }, 200);
  });

  app.openapi(routes.postCancel, async (context) => {
    const { id } = context.req.valid("param");
    const { reason } = context.req.valid("json");
    const cancellation = { by: by(context.get("caller")), reason };
    const { outcome } = await kernel().actions.executor.cancel(id, cancellation);
    const action = asAction(await readProposal(db(), id));
    if (outcome !== "cancelled" && outcome !== "stopping") {
      throw new ActionRefused("not-cancellable", `Action ${id} is ${action.state} already.`);
    }
    return context.json({ action, outcome }, 200);
  });

  app.openapi(routes.getAudit, async (context) => {
    const events = await new ActionAuditor(db()).getEvents(context.req.valid("query"));
    return context.json({ events: events.map(asEvent) }, 200);
  });
}

function by({ name }: Caller) {
  return { kind: "user", name } as const;
}

function asAction(proposal: ActionProposal) {
  const { parametersDigest, approvedDigest: _, executorId: __, ...shown } = proposal;
  const parameters = redactSecrets(shown.parameters).value as Record<string, unknown>;
  return { ...shown, parameters, digest: parametersDigest };
}

function asEvent({ id, createdAt, ...event }: RecordedAuditEvent) {
  return { ...event, id, createdAt };
}

function asExecution(end: ExecutionOutcome) {
  switch (end.outcome) {
    case "completed":
      return {
        outcome: end.outcome,
        result: redactSecrets(end.result ?? null).value,
        detail: null,
      };
    case "failed":
      return { outcome: end.outcome, result: null, detail: end.error };
    case "cancelled":
      return { outcome: end.outcome, result: null, detail: end.reason };
    case "refused":
      return { outcome: end.outcome, result: null, detail: `${end.refusal}: ${end.detail}` };
  }
}
