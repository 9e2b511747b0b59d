import { createRoute, z } from "@hono/zod-openapi";
import { json, reason, refusals, security, switchReason } from "./route-parts.ts";
import * as schemas from "./schemas.ts";

const sha = z.string().regex(/^[0-9a-f]{40}$/, "expected a full commit SHA");
const conflict = {
  409: json(schemas.problem, "That is not possible now; nothing was changed."),
} as const;

export const postRollback = createRoute({
  method: "post",
  path: "/api/rollback",
  summary: "Go back to a release that was blessed before",
  security,
  request: {
    body: {
      required: true,
      content: {
        "application/json": { schema: z.object({ reason: switchReason, to: sha.optional() }) },
      },
    },
  },
  responses: {
    200: json(
      z.object({ fromSha: z.string(), toSha: z.string() }),
      "The release before serves; the changes are taken back on the base by runs of their own.",
    ),
    ...refusals,
    ...conflict,
  },
});

const hold = z
  .object({
    /** What a lift names: the run, or `goal:` and the goal's own id. */
    runId: z.string(),
    kind: z.enum(["change", "goal", "base"]),
    title: z.string(),
    since: z.string(),
  })
  .openapi("Hold");

export const getHolds = createRoute({
  method: "get",
  path: "/api/holds",
  summary: "What is refused until an operator lifts it",
  security,
  responses: {
    200: json(
      z.object({ holds: z.array(hold) }),
      "What is refused until an operator lifts it: goals, the base, changes.",
    ),
    ...refusals,
  },
});

export const postLift = createRoute({
  method: "post",
  path: "/api/holds/{id}/lift",
  summary: "Let what is held be tried again",
  security,
  request: {
    params: z.object({ id: z.string().regex(/^[\w:.-]{1,100}$/, "expected the id of a hold") }),
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ reason }) } },
    },
  },
  responses: {
    200: json(z.object({ runId: z.string() }), "The same may be proposed again."),
    ...refusals,
    ...conflict,
  },
});

export const postCall = createRoute({
  method: "post",
  path: "/api/tools/{name}/call",
  summary: "Ask a tool of the body that runs",
  security,
  request: {
    params: z.object({ name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/, "expected a tool") }),
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ input: z.unknown() }) } },
    },
  },
  responses: {
    200: json(z.object({ output: z.unknown() }), "What the tool answered."),
    ...refusals,
    ...conflict,
  },
});
