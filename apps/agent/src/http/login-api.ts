import { mayDo, operations, type Caller } from "@jarvis/operator-core";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { setCookie } from "hono/cookie";
import { ActionRefused } from "./action-api.ts";
import { LinkNotValid, TooManyFailures } from "./browser/failure-delay.ts";
import type { LoginLinks } from "./browser/login-links.ts";
import type { Places } from "./browser/places.ts";
import { cookieName } from "./browser/recognise.ts";
import { mayGive, type BrowserSessions } from "./browser/sessions.ts";
import type { ApiEnvironment, Doors } from "./guard.ts";
import * as routes from "./login-routes.ts";

/** How a browser is let in, and out. */
export function addLoginRoutes(
  app: OpenAPIHono<ApiEnvironment>,
  parts: { sessions: BrowserSessions; links: LoginLinks; places: Places; doors: Doors },
): void {
  const { sessions, links, places, doors } = parts;

  app.openapi(routes.postLoginLink, (context) => {
    const { credential, caller } = context.var;
    const role = context.req.valid("json").role ?? caller.role;
    if (credential.kind !== "token") {
      throw new ActionRefused(
        "token-needed",
        "A browser lets no other one in; use `jarvis login`.",
      );
    }
    if (!mayGive(caller.role, role)) {
      throw new ActionRefused(
        "role-not-given",
        `${caller.name} has the role ${caller.role} and can let a browser in with that or to read.`,
      );
    }
    const { code, expiresAt } = links.make({ tokenHash: credential.tokenHash, role });
    // Behind the #, which no browser sends and no proxy writes down.
    const url = `${places.pageUrl}/login#${code}`;
    return context.json({ url, role, expiresAt: expiresAt.toISOString() }, 200);
  });

  app.openapi(routes.postLogin, async (context) => {
    const grant = links.take(context.req.valid("json").code);
    const opened = grant === null ? null : sessions.open(grant);
    if (opened === null) {
      throw (await doors.failures.failed()) ? new LinkNotValid() : new TooManyFailures();
    }
    const { caller, expiresAt, cookie, key } = opened;
    const isSecure =
      places.originOf(context.req.header("host") ?? "")?.startsWith("https:") === true;
    setCookie(context, cookieName(isSecure, doors.port()), cookie, {
      httpOnly: true,
      sameSite: "Strict",
      secure: isSecure,
      path: "/",
      expires: new Date(expiresAt),
    });
    return context.json({ ...describe(caller), expiresAt, key }, 200);
  });

  app.openapi(routes.getCaller, (context) => {
    const { caller, credential } = context.var;
    const expiresAt = credential.kind === "session" ? credential.expiresAt : null;
    return context.json({ ...describe(caller), expiresAt }, 200);
  });

  app.openapi(routes.postLogout, (context) => {
    const { credential } = context.var;
    if (credential.kind === "session") sessions.close(credential.cookie, credential.key);
    return context.json({ closed: credential.kind === "session" }, 200);
  });
}

function describe({ name, role }: Caller) {
  return { name, role, operations: operations.filter((operation) => mayDo(role, operation)) };
}
