import type { Context } from "hono";
import { getCookie } from "hono/cookie";

/** The header that only our own page sends: another page would have to ask first, and is refused. */
export const KEY_HEADER = "x-jarvis-key";

/** Cookies are shared by all ports of a machine: each kernel has a name of its own. */
export function cookieName(isSecure: boolean, port: number): string {
  return isSecure ? "__Host-jarvis" : `jarvis-${port}`;
}

/** What a browser sent to be recognised by; null where it sent neither cookie nor key. */
export function sentBy(
  context: Context,
  { isSecure, port }: { isSecure: boolean; port: number },
): { cookie: string; key: string } | null {
  const cookie = getCookie(context, cookieName(isSecure, port)) ?? "";
  const key = context.req.header(KEY_HEADER) ?? "";
  return cookie === "" && key === "" ? null : { cookie, key };
}

/**
 * Why a request of a browser is not one of our page, or null. What changes something names the exact
 * origin with its port: every port of this machine is the same site for a cookie.
 */
export function foreign(context: Context, ownOrigin: string): string | null {
  const origin = context.req.header("origin");
  const site = context.req.header("sec-fetch-site");
  const isRead = context.req.method === "GET" || context.req.method === "HEAD";
  if (origin === undefined ? !isRead : origin !== ownOrigin) {
    return `Only a page of ${ownOrigin} may ask that.`;
  }
  return site === undefined || site === "same-origin" || site === "none"
    ? null
    : "Only our own page may ask with a session.";
}
