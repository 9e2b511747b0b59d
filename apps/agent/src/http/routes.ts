import { createRoute, z } from "@hono/zod-openapi";
import { json, page, refusals, security, switchReason, text } from "./route-parts.ts";
import * as schemas from "./schemas.ts";
import { selfExtensionEventTypes } from "@jarvis/db";
import { runStatuses } from "@jarvis/tools/self-extension";

const eventId = z.string().regex(/^\d{1,18}$/, "expected an event id");
const instant = z.iso.datetime({
  offset: true,
  error: "expected a time, such as 2026-01-31T12:00:00Z",
});
const runId = z.string().regex(/^[\w:.-]{1,100}$/, "expected a run id");

export const getStatus = createRoute({
  method: "get",
  path: "/api/status",
  summary: "Switches, base, what serves, open runs, sandbox, database, host",
  security,
  responses: {
    200: json(schemas.status, "Switches, base, runs, sandbox, database, host."),
    ...refusals,
  },
});

export const getSelfExtension = createRoute({
  method: "get",
  path: "/api/self-extension",
  summary: "The pause, and the newest event of each kind",
  security,
  responses: { 200: json(schemas.selfExtension, "The pause and the newest events."), ...refusals },
});

export const getRuns = createRoute({
  method: "get",
  path: "/api/runs",
  summary: "Runs, newest first",
  security,
  request: {
    query: page.extend({ before: runId.optional(), status: z.enum(runStatuses).optional() }),
  },
  responses: { 200: json(z.object({ runs: z.array(schemas.run) }), "Newest first."), ...refusals },
});

export const getRun = createRoute({
  method: "get",
  path: "/api/runs/{id}",
  summary: "One run, with its result and events",
  security,
  request: { params: z.object({ id: runId }) },
  responses: { 200: json(schemas.runDetail, "One run."), ...refusals },
});

export const getEvents = createRoute({
  method: "get",
  path: "/api/events",
  summary: "Events of the ledger, ascending",
  security,
  request: {
    query: page.extend({
      after: eventId.optional(),
      before: eventId.optional(),
      actor: text.min(1).max(200).optional(),
      from: instant.optional(),
      to: instant.optional(),
      run: runId.optional(),
      type: z.enum(selfExtensionEventTypes).optional(),
    }),
  },
  responses: {
    200: json(
      z.object({ events: z.array(schemas.event) }),
      "Ascending by id: those behind `after`, else the newest (before `before`). `from` is part of the time that is asked for, `to` is not.",
    ),
    ...refusals,
  },
});

export const postProposal = createRoute({
  method: "post",
  path: "/api/proposals",
  summary: "Hand in a change as a git patch",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            patch: z
              .string()
              .describe("A unified diff as `git diff` writes it; at most `limits.patchBytes`."),
            title: text.optional(),
            goal: text.optional(),
            goalId: text.optional(),
            cycleId: text.optional(),
            subGoalId: text.optional(),
            toolName: text.optional(),
            toolCallId: text.optional(),
          }),
        },
      },
    },
  },
  responses: {
    202: json(z.object({ runId: z.string() }), "Recorded; the run has begun."),
    ...refusals,
    409: json(schemas.problem, "Another kernel leads (`standby`): hand it in there."),
    429: json(schemas.problem, "The quota of the token is used up; `Retry-After` says until when."),
    507: json(schemas.problem, "There is no room to record it (`disk-low`)."),
  },
});

export const postPromotion = createRoute({
  method: "post",
  path: "/api/self-extension/promotion",
  summary: "Pause or resume promotion",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            paused: z.boolean(),
            reason: switchReason,
            waitMs: z
              .number()
              .int()
              .min(0)
              .max(240_000)
              .default(20_000)
              .describe(
                "How long the answer may take if promotions are on their way to land, in milliseconds.",
              ),
          }),
        },
      },
    },
  },
  responses: {
    200: json(
      schemas.pauseAnswer,
      "The switch is set; acknowledged when no promotion can land any more.",
    ),
    ...refusals,
  },
});

export const postMode = createRoute({
  method: "post",
  path: "/api/mode",
  summary: "Set whether anything may be promoted",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({ mode: z.enum(["observe", "execute"]), reason: switchReason }),
        },
      },
    },
  },
  responses: {
    200: json(z.object({ mode: z.enum(["observe", "execute"]) }), "The mode now."),
    ...refusals,
  },
});

export const postKill = createRoute({
  method: "post",
  path: "/api/kill-switch",
  summary: "End every sandbox, and observe",
  security,
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ reason: switchReason }) } },
    },
  },
  responses: {
    200: json(schemas.killAnswer, "What was ended: how many, and the first 500 by name."),
    ...refusals,
  },
});

export const postAccept = createRoute({
  method: "post",
  path: "/api/accept",
  summary: "Attest a commit of the base that came from outside",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            sha: z.string().regex(/^[0-9a-f]{40}$/, "expected a full commit SHA"),
          }),
        },
      },
    },
  },
  responses: {
    200: json(z.object({ sha: z.string(), treeSha: z.string() }), "Attested."),
    ...refusals,
  },
});
