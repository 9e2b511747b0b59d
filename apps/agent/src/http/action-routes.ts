import { createRoute, z } from "@hono/zod-openapi";
import { ActionStatus, AuditEvent } from "@jarvis/operator-core";
import { json, page, reason, refusals, security, wholeNumber } from "./route-parts.ts";
import * as schemas from "./action-schemas.ts";

const rowId = wholeNumber().positive().max(Number.MAX_SAFE_INTEGER);
const params = z.object({ id: rowId });
const conflict = {
  409: json(schemas.problem, "The action is not where that is possible; nothing was changed."),
} as const;
const withReason = {
  body: {
    required: true,
    content: { "application/json": { schema: z.object({ reason }) } },
  },
} as const;

export const getActions = createRoute({
  method: "get",
  path: "/api/actions",
  summary: "Proposed actions, newest first",
  security,
  request: {
    query: page.extend({ state: ActionStatus.optional(), before: rowId.optional() }),
  },
  responses: {
    200: json(z.object({ actions: z.array(schemas.action) }), "Newest first."),
    ...refusals,
  },
});

export const getAction = createRoute({
  method: "get",
  path: "/api/actions/{id}",
  summary: "One action, with its events",
  security,
  request: { params },
  responses: {
    200: json(
      z.object({ action: schemas.action, events: z.array(schemas.auditEvent) }),
      "One action and what happened to it.",
    ),
    ...refusals,
  },
});

export const postApprove = createRoute({
  method: "post",
  path: "/api/actions/{id}/approve",
  summary: "Approve exactly what was shown, and execute it",
  security,
  request: {
    params,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            digest: z
              .string()
              .regex(
                /^sha256:[0-9a-f]{64}$/,
                "expected the digest of the action that you were shown",
              ),
          }),
        },
      },
    },
  },
  responses: {
    200: json(
      z.object({ action: schemas.action, execution: schemas.execution }),
      "Approved as it was shown, and executed; how that ended is in `execution`.",
    ),
    ...refusals,
    ...conflict,
  },
});

export const postReject = createRoute({
  method: "post",
  path: "/api/actions/{id}/reject",
  summary: "Say no to an action that waits",
  security,
  request: { params, ...withReason },
  responses: {
    200: json(z.object({ action: schemas.action }), "Rejected; it will not be executed."),
    ...refusals,
    ...conflict,
  },
});

export const postCancel = createRoute({
  method: "post",
  path: "/api/actions/{id}/cancel",
  summary: "Cancel an action, or stop one that runs",
  security,
  request: { params, ...withReason },
  responses: {
    200: json(
      z.object({ action: schemas.action, outcome: z.enum(["cancelled", "stopping"]) }),
      "Cancelled, or told to stop where it runs.",
    ),
    ...refusals,
    ...conflict,
  },
});

export const getAudit = createRoute({
  method: "get",
  path: "/api/audit",
  summary: "The action ledger, ascending",
  security,
  request: {
    query: page.extend({
      proposalId: rowId.optional(),
      eventType: AuditEvent.shape.eventType.optional(),
      /** The newest of them instead of the oldest; in the same order. */
      newest: z.stringbool().optional(),
      after: wholeNumber().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    }),
  },
  responses: {
    200: json(z.object({ events: z.array(schemas.auditEvent) }), "Oldest first."),
    ...refusals,
  },
});
