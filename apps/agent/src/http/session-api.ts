import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Kernel } from "../kernel/kernel.ts";
import type { ApiEnvironment } from "./guard.ts";
import { json, reason, refusals, security, text } from "./route-parts.ts";

const session = z
  .object({ sessionId: z.string(), reason: z.string(), updatedBy: z.string(), since: z.string() })
  .openapi("Session");

const getSessions = createRoute({
  method: "get",
  path: "/api/sessions",
  summary: "Sessions of actions that may only observe, oldest first",
  security,
  responses: {
    200: json(z.object({ sessions: z.array(session) }), "What may only observe, oldest first."),
    ...refusals,
  },
});

const postRelease = createRoute({
  method: "post",
  path: "/api/sessions/{id}/release",
  summary: "Let a session act again",
  security,
  request: {
    params: z.object({ id: text.min(1).max(200) }),
    body: { required: true, content: { "application/json": { schema: z.object({ reason }) } } },
  },
  responses: {
    200: json(z.object({ sessionId: z.string() }), "The session may act again."),
    ...refusals,
  },
});

/** Sessions of actions that went to observe because of what they risked, and their release. */
export function addSessionRoutes(app: OpenAPIHono<ApiEnvironment>, kernel: () => Kernel): void {
  app.openapi(getSessions, async (context) => {
    const { database, actions } = kernel();
    return context.json({ sessions: await actions.sessions.observed(database.db) }, 200);
  });

  app.openapi(postRelease, async (context) => {
    const { id } = context.req.valid("param");
    const { database, actions } = kernel();
    await actions.sessions.release(database.db, id, {
      by: { kind: "user", name: context.get("caller").name },
      reason: context.req.valid("json").reason,
    });
    return context.json({ sessionId: id }, 200);
  });
}
