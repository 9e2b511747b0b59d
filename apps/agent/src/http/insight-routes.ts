import { createRoute, z } from "@hono/zod-openapi";
import { blockReasons } from "@jarvis/tools/self-extension";
import { json, page, refusals, security, wholeNumber } from "./route-parts.ts";

const reason = z.enum(blockReasons);
const params = z.object({ id: z.string().regex(/^[\w:.-]{1,100}$/, "expected a run id") });

export const getReasons = createRoute({
  method: "get",
  path: "/api/runs/{id}/reasons",
  summary: "Why a run does not go on, by the function that decides",
  security,
  request: { params },
  responses: {
    200: json(
      z
        .object({
          recorded: z.array(z.object({ reason, meaning: z.string() })),
          detail: z.string().nullable(),
          now: z.array(z.object({ reason, detail: z.string() })),
          needsPerson: z.boolean(),
        })
        .openapi("RunReasons"),
      "Why it does not go on: what was decided, and what the same function decides now.",
    ),
    ...refusals,
  },
});

export const getPatch = createRoute({
  method: "get",
  path: "/api/runs/{id}/patch",
  summary: "What was handed in",
  security,
  request: { params },
  responses: {
    200: json(
      z
        .object({
          digest: z.string().nullable(),
          patch: z.string().nullable(),
          bytes: z.number().int(),
          isCut: z.boolean(),
        })
        .openapi("RunPatch"),
      "The patch as it was handed in; text of a candidate.",
    ),
    ...refusals,
  },
});

export const getReleases = createRoute({
  method: "get",
  path: "/api/releases",
  summary: "What was promoted, and what became of it",
  security,
  request: {
    query: page.extend({
      before: wholeNumber().positive().max(Number.MAX_SAFE_INTEGER).optional(),
    }),
  },
  responses: {
    200: json(
      z.object({
        serving: z.string().nullable(),
        baseline: z.string().nullable(),
        releases: z.array(
          z
            .object({
              runId: z.string(),
              sha: z.string(),
              parentSha: z.string().nullable(),
              title: z.string().nullable(),
              status: z.string(),
              releaseDigest: z.string().nullable(),
              isHeld: z.boolean(),
              rollback: z
                .object({ toSha: z.string().nullable(), runId: z.string().nullable() })
                .nullable(),
              at: z.string().nullable(),
              eventId: z.string(),
            })
            .openapi("Release"),
        ),
      }),
      "What was promoted or vouched for, newest first, and what became of it; `before` is an `eventId`.",
    ),
    ...refusals,
  },
});

export const getTrends = createRoute({
  method: "get",
  path: "/api/trends",
  summary: "What happened on each day",
  security,
  request: { query: z.object({ days: wholeNumber().min(1).max(366).default(30) }) },
  responses: {
    200: json(
      z.object({
        days: z.array(
          z
            .object({
              day: z.string(),
              proposals: z.number().int(),
              passed: z.number().int(),
              notPassed: z.number().int(),
              promoted: z.number().int(),
              blocked: z.number().int(),
              rolledBack: z.number().int(),
              blessed: z.number().int(),
              verificationMs: z.number().nullable(),
            })
            .openapi("TrendDay"),
        ),
        author: z
          .object({
            attempts: z.number().int(),
            accepted: z.number().int(),
            inputTokens: z.number().int(),
            outputTokens: z.number().int(),
            microUsd: z.number().int(),
          })
          .openapi("AuthorCost"),
      }),
      "Each day with an event, oldest first, in UTC; `author` is what models took in all of them.",
    ),
    ...refusals,
  },
});
