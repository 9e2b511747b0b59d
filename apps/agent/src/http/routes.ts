import { createRoute, z } from "@hono/zod-openapi";
import * as schemas from "./schemas.ts";

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

const refusals = {
  400: json(schemas.problem, "The request could not be read; nothing was recorded."),
  401: json(schemas.problem, "The token is missing or wrong."),
  403: json(schemas.problem, "The Host or Origin of the request is not ours."),
  404: json(schemas.problem, "There is no such thing."),
  413: json(schemas.problem, "The request is too large."),
  415: json(schemas.problem, "The body does not say that it is JSON."),
  503: json(schemas.problem, "The kernel cannot answer right now."),
} as const;

const security = [{ bearer: [] }];

/** What PostgreSQL can keep as text and JSON: no NUL, no half of a surrogate pair. */
const text = z
  .string()
  .refine((value) => !/\0|\p{Surrogate}/u.test(value), "expected text without NUL characters");
const reason = text.trim().min(1, "expected a reason that others can read").max(500);
const runId = z.string().regex(/^[\w:.-]{1,100}$/, "expected a run id");

const page = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

export const getStatus = createRoute({
  method: "get",
  path: "/api/status",
  security,
  responses: {
    200: json(schemas.status, "Switches, base, runs, sandbox, database, host."),
    ...refusals,
  },
});

export const getSelfExtension = createRoute({
  method: "get",
  path: "/api/self-extension",
  security,
  responses: { 200: json(schemas.selfExtension, "The pause and the newest events."), ...refusals },
});

export const getRuns = createRoute({
  method: "get",
  path: "/api/runs",
  security,
  request: { query: page.extend({ before: runId.optional() }) },
  responses: { 200: json(z.object({ runs: z.array(schemas.run) }), "Newest first."), ...refusals },
});

export const getRun = createRoute({
  method: "get",
  path: "/api/runs/{id}",
  security,
  request: { params: z.object({ id: runId }) },
  responses: { 200: json(schemas.runDetail, "One run."), ...refusals },
});

export const getEvents = createRoute({
  method: "get",
  path: "/api/events",
  security,
  request: {
    query: page.extend({
      after: z
        .string()
        .regex(/^\d{1,18}$/, "expected an event id")
        .optional(),
      run: runId.optional(),
      type: z
        .string()
        .regex(/^[a-z_]{1,50}$/, "expected an event type")
        .optional(),
    }),
  },
  responses: {
    200: json(z.object({ events: z.array(schemas.event) }), "Ascending by id."),
    ...refusals,
  },
});

export const postProposal = createRoute({
  method: "post",
  path: "/api/proposals",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            patch: z.string(),
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
  },
});

export const postPromotion = createRoute({
  method: "post",
  path: "/api/self-extension/promotion",
  security,
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ paused: z.boolean(), reason }) } },
    },
  },
  responses: {
    200: json(
      z.object({ paused: z.boolean(), acknowledged: z.boolean(), inFlight: z.array(z.string()) }),
      "The switch is set; acknowledged when nothing was on its way to land.",
    ),
    ...refusals,
  },
});

export const postMode = createRoute({
  method: "post",
  path: "/api/mode",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": { schema: z.object({ mode: z.enum(["observe", "execute"]), reason }) },
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
  security,
  request: {
    body: { required: true, content: { "application/json": { schema: z.object({ reason }) } } },
  },
  responses: {
    200: json(z.object({ cancelledCount: z.number().int() }), "What was ended."),
    ...refusals,
  },
});

export const postAccept = createRoute({
  method: "post",
  path: "/api/accept",
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
