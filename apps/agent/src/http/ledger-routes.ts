import { createRoute, z } from "@hono/zod-openapi";
import { json, refusals, security } from "./route-parts.ts";

const count = z.number().int().nonnegative();

const report = z
  .object({
    ok: z.boolean(),
    size: count,
    checkpoints: count,
    checkpoint: z.object({ size: count, root: z.string() }).nullable(),
    anchors: count,
    unsealed: count,
    divergences: z.array(
      z.object({
        attack: z.string(),
        leafIndex: z.number().int().nullable(),
        ledger: z.string().nullable(),
        eventId: z.number().int().nullable(),
        detail: z.string(),
        meaning: z.string(),
      }),
    ),
    remarks: z.array(z.object({ code: z.string(), detail: z.string() })),
    durationMs: z.number(),
  })
  .openapi("LedgerReport");

const verification = z
  .object({
    startedAt: z.string(),
    endedAt: z.string(),
    cause: z.enum(["scheduled", "asked", "restored"]),
    report,
  })
  .openapi("LedgerVerification");

// Not `nullable()`, which would make the description's own component nullable.
const verificationOrNull = z.union([verification, z.null()]);

export const getLedger = createRoute({
  method: "get",
  path: "/api/ledger",
  summary: "What the newest verification of the ledger found",
  security,
  responses: {
    200: json(
      z.object({
        size: count.nullable(),
        problem: z.object({ reason: z.string(), detail: z.string() }).nullable(),
        verifyingSince: z.string().nullable(),
        newest: verificationOrNull,
        scheduled: verificationOrNull,
      }),
      "What is sealed, and what the newest verification found, of any cause and of the schedule.",
    ),
    ...refusals,
  },
});

export const postVerify = createRoute({
  method: "post",
  path: "/api/ledger/verify",
  summary: "Compute the whole ledger again",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            /** How long the answer may take; the verification goes on behind it. */
            waitMs: z.number().int().min(0).max(240_000).default(20_000),
          }),
        },
      },
    },
  },
  responses: {
    200: json(report, "What `jarvis ledger verify` answers."),
    202: json(
      z.object({ verifyingSince: z.string() }),
      "It takes longer; `GET /api/ledger` has the result once it has ended.",
    ),
    ...refusals,
  },
});
