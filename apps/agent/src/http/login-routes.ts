import { createRoute, z } from "@hono/zod-openapi";
import { operations, Role } from "@jarvis/operator-core";
import { json, refusals, security } from "./route-parts.ts";
import * as schemas from "./schemas.ts";

const caller = z
  .object({
    name: z.string(),
    role: Role,
    /** What this role may ask for. */
    operations: z.array(z.enum(operations)),
    expiresAt: z.string().nullable(),
  })
  .openapi("Caller");

export const postLoginLink = createRoute({
  method: "post",
  path: "/api/login-links",
  summary: "Make a link that lets one browser in",
  security,
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ role: Role.optional() }) } },
    },
  },
  responses: {
    200: json(
      z.object({ url: z.string(), role: Role, expiresAt: z.string() }),
      "A link that lets one browser in, once; for tokens only.",
    ),
    ...refusals,
    409: json(schemas.problem, "The token cannot give that role, or a browser asks."),
  },
});

export const postLogin = createRoute({
  method: "post",
  path: "/api/login",
  summary: "Exchange the code of a link for a session",
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({ code: z.string().regex(/^[\w-]{20,100}$/, "expected a code") }),
        },
      },
    },
  },
  responses: {
    200: json(
      caller.extend({ key: z.string() }),
      "The browser is let in: a cookie, and a key for the header `x-jarvis-key`.",
    ),
    ...refusals,
    429: json(schemas.problem, "Too many wrong codes; wait a little."),
  },
});

export const getCaller = createRoute({
  method: "get",
  path: "/api/whoami",
  summary: "Who asks, and what they may do",
  security,
  responses: { 200: json(caller, "Who asks, and what they may do."), ...refusals },
});

export const postLogout = createRoute({
  method: "post",
  path: "/api/logout",
  summary: "End a browser's session",
  security,
  responses: {
    200: json(z.object({ closed: z.boolean() }), "The session is over; false where a token asks."),
    ...refusals,
  },
});
