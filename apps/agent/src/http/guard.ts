import { mayDo, rolesFor, type Caller } from "@jarvis/operator-core";
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Tokens } from "../token.ts";
import { access } from "./access.ts";

/** What the guard found out, for the routes behind it. */
export interface ApiEnvironment {
  Variables: { caller: Caller };
}

/**
 * Who may speak to the API: a request for this very host and port (a page of another site cannot
 * name it through a name of its own), from no foreign page, with a token that is known, whose role
 * may do what the route does.
 */
export function guard(options: {
  tokens: Tokens;
  port: () => number;
}): MiddlewareHandler<ApiEnvironment> {
  return async (context, next) => {
    const port = options.port();
    const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
    if (!hosts.includes(context.req.header("host") ?? "")) {
      return context.json(refusal("host-not-allowed", "This API answers on 127.0.0.1 only."), 403);
    }
    const origin = context.req.header("origin");
    if (origin !== undefined && !hosts.some((host) => origin === `http://${host}`)) {
      return context.json(
        refusal("origin-not-allowed", "Pages of other sites may not call this API."),
        403,
      );
    }
    const token = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1] ?? "";
    const { caller, problem } = options.tokens.recognise(token);
    if (caller === null) {
      context.header("WWW-Authenticate", "Bearer");
      return context.json(
        problem === null
          ? refusal(
              "unauthorized",
              "Send the token of the state directory's file `token`, or one made by `jarvis token add`, as a bearer token.",
            )
          : refusal("tokens-unreadable", problem),
        401,
      );
    }
    const route = matchedRoutes(context).findLast(({ method }) => method !== "ALL");
    // What leads nowhere is answered as such, to whoever has a token.
    if (route !== undefined) {
      const name = `${route.method} ${route.path.replaceAll(/:(\w+)/g, "{$1}")}`;
      const operation = access[name];
      if (operation === undefined || !mayDo(caller.role, operation)) {
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
    }
    context.set("caller", caller);
    await next();
    return;
  };
}

export function refusal(
  code: string,
  message: string,
): { error: { code: string; message: string } } {
  return { error: { code, message } };
}
