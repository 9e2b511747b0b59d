import type { HttpBindings } from "@hono/node-server";
import { mayDo, rolesFor, type Caller } from "@jarvis/operator-core";
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Tokens } from "../token.ts";
import { access } from "./access.ts";
import { TooManyFailures, type FailureDelay } from "./browser/failure-delay.ts";
import type { Places } from "./browser/places.ts";
import { foreign, sentBy } from "./browser/recognise.ts";
import { hashOf } from "./browser/secret.ts";
import type { BrowserSessions } from "./browser/sessions.ts";

/** By what a caller was recognised. */
export type Credential =
  | { readonly kind: "token"; readonly tokenHash: string }
  | {
      readonly kind: "session";
      readonly cookie: string;
      readonly key: string;
      readonly expiresAt: string;
    };

/** What the guard found out, for the routes behind it. */
export interface ApiEnvironment {
  Bindings: HttpBindings;
  Variables: { caller: Caller; credential: Credential };
}

/** Who may come in, and where. */
export interface Doors {
  readonly tokens: Tokens;
  readonly sessions: BrowserSessions;
  readonly places: Places;
  readonly failures: FailureDelay;
  readonly port: () => number;
}

/** Answers nothing, not even the page, under a name that is not ours. */
export function hostGuard({ places }: Pick<Doors, "places">): MiddlewareHandler {
  return async (context, next) => {
    if (places.originOf(context.req.header("host") ?? "") === null) {
      return context.json(
        refusal("host-not-allowed", `This API answers on ${places.pageUrl} only.`),
        403,
      );
    }
    await next();
    return;
  };
}

/**
 * Who may speak to the API: no foreign page, and either a token that is known or a browser that was
 * let in; whose role may do what the route does. The host was looked at before.
 */
export function guard(doors: Doors): MiddlewareHandler<ApiEnvironment> {
  return async (context, next) => {
    const { places, port } = doors;
    const ownOrigin = places.originOf(context.req.header("host") ?? "") ?? "";
    const origin = context.req.header("origin");
    if (origin !== undefined && !places.isOurs(origin)) {
      return context.json(
        refusal("origin-not-allowed", "Pages of other sites may not call this API."),
        403,
      );
    }
    const route = matchedRoutes(context).findLast(({ method }) => method !== "ALL");
    const name =
      route === undefined ? null : `${route.method} ${route.path.replaceAll(/:(\w+)/g, "{$1}")}`;
    const operation = name === null ? undefined : access[name];
    const sent = sentBy(context, { isSecure: ownOrigin.startsWith("https:"), port: port() });
    const isBearer = context.req.header("authorization") !== undefined;
    if (operation === "anybody" || (sent !== null && !isBearer)) {
      const problem = foreign(context, ownOrigin);
      if (problem !== null) return context.json(refusal("origin-not-allowed", problem), 403);
    }
    if (operation === "anybody") {
      await next();
      return;
    }
    const known = isBearer || sent === null ? byToken(context, doors) : bySession(sent, doors);
    if ("problem" in known) {
      context.header("WWW-Authenticate", "Bearer");
      if (!(await doors.failures.failed())) throw new TooManyFailures();
      return context.json(refusal(known.problem.code, known.problem.message), 401);
    }
    const { caller, credential } = known;
    // What leads nowhere is answered as such, to whoever is known.
    if (name !== null && (operation === undefined || !mayDo(caller.role, operation))) {
      const roles =
        operation === undefined ? "nobody" : `the role ${rolesFor(operation).join(" or ")}`;
      return context.json(
        refusal(
          "role-not-allowed",
          `${caller.name} has the role ${caller.role}; ${name} is for ${roles}.`,
        ),
        403,
      );
    }
    context.set("caller", caller);
    context.set("credential", credential);
    await next();
    return;
  };
}

type Known =
  | { readonly caller: Caller; readonly credential: Credential }
  | { readonly problem: { readonly code: string; readonly message: string } };

function byToken(context: Context, { tokens }: Doors): Known {
  const token = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1] ?? "";
  const { caller, problem } = tokens.recognise(token);
  if (caller !== null) return { caller, credential: { kind: "token", tokenHash: hashOf(token) } };
  return {
    problem:
      problem === null
        ? {
            code: "unauthorized",
            message:
              "Send the token of the state directory's file `token`, or one made by `jarvis token add`, as a bearer token; a browser is let in by `jarvis login`.",
          }
        : { code: "tokens-unreadable", message: problem },
  };
}

function bySession(sent: { cookie: string; key: string }, { sessions }: Doors): Known {
  const session = sessions.find(sent.cookie, sent.key);
  if (session === null) {
    return {
      problem: {
        code: "signed-out",
        message: "This browser is not let in any more; `jarvis login` prints a new link.",
      },
    };
  }
  const { caller, expiresAt } = session;
  return { caller, credential: { kind: "session", ...sent, expiresAt } };
}

export function refusal(
  code: string,
  message: string,
): { error: { code: string; message: string } } {
  return { error: { code, message } };
}
