import { createRoute, z } from "@hono/zod-openapi";
import { json, reason, refusals, security } from "./route-parts.ts";
import * as schemas from "./schemas.ts";

const exposure = z.object({
  path: z.string(),
  events: z.array(z.string()),
  seesSecrets: z.boolean(),
});

const obstacle = z.object({
  branch: z.string(),
  rule: z.string(),
  ruleset: z.string(),
  why: z.string(),
});

const hostReport = z
  .object({
    repository: z.string(),
    account: z.string(),
    permissions: z.array(z.string()),
    protection: z.object({
      standing: z.enum(["enforced", "not-for-this-credential", "none", "unknown"]),
      contexts: z.array(z.string()),
      strict: z.boolean(),
      obstacles: z.array(obstacle).nullable(),
    }),
    workflows: z.array(exposure).nullable(),
    ownership: z.enum(["ours", "nobody", "another-instance"]),
    identityProblem: z.string().nullable(),
  })
  .openapi("HostReport");

export const getHost = createRoute({
  method: "get",
  path: "/api/host",
  summary: "What the credential may do on the repository host, asked there now",
  security,
  responses: {
    200: json(hostReport, "What the credential may do on the repository host. Asked there, now."),
    ...refusals,
  },
});

export const postRecover = createRoute({
  method: "post",
  path: "/api/recover",
  summary: "Go on with a database that was restored from an older backup",
  security,
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ reason }) } },
    },
  },
  responses: {
    200: json(
      z.object({ recordId: z.number(), from: z.number(), to: z.number() }),
      "The ledger goes on from what was restored; promotion stays paused, the mode observe.",
    ),
    ...refusals,
    409: json(schemas.problem, "There is nothing to go on from, or a landing is still open."),
  },
});

export const postTakeover = createRoute({
  method: "post",
  path: "/api/takeover",
  summary: "Promote to the repository as it is now, instead of whoever did before",
  security,
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ reason }) } },
    },
  },
  responses: {
    200: json(
      z.object({
        repositoryId: z.number(),
        baseBranch: z.string(),
        before: z.string().nullable(),
        restartNeeded: z.boolean(),
      }),
      "This instance promotes there from now on.",
    ),
    ...refusals,
    409: json(schemas.problem, "That is not possible now; nothing was changed."),
  },
});
