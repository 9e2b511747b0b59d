import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";

/**
 * Who may speak to the API: a request for this very host and port (a page of another site cannot
 * name it through a name of its own), from no foreign page, with the token from the state directory.
 */
export function guard(options: { token: string; port: () => number }): MiddlewareHandler {
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
    if (!isToken(context.req.header("authorization"), options.token)) {
      context.header("WWW-Authenticate", "Bearer");
      return context.json(
        refusal(
          "unauthorized",
          "Send the token of the state directory's file `token` as a bearer token.",
        ),
        401,
      );
    }
    await next();
    return;
  };
}

function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(/^Bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? "");
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export function refusal(
  code: string,
  message: string,
): { error: { code: string; message: string } } {
  return { error: { code, message } };
}
