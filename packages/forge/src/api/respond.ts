import { createHash, randomUUID } from "node:crypto";

import type { Problem } from "../problem.ts";
import type { PrimaryState } from "../limits/primary-limit.ts";
import type { Answer } from "./operation.ts";

export interface ResponseContext {
  ifNoneMatch: string | undefined;
  cacheable: boolean;
}

/** Turns an answer into a response with the headers that GitHub sends. */
export function respond(answer: Answer, context: ResponseContext): Response {
  const headers = new Headers(commonHeaders());
  const body = bodyOf(answer, headers);
  if ("link" in answer && answer.link !== undefined) headers.set("Link", answer.link);
  let status = answer.status;
  if (context.cacheable && body !== undefined) {
    const etag = `W/"${createHash("sha256").update(body).digest("hex")}"`;
    headers.set("ETag", etag);
    headers.set("Cache-Control", "private, no-cache");
    headers.set("Vary", "Accept, Authorization");
    if (matches(context.ifNoneMatch, etag)) status = 304;
  }
  if (status === 304 || body === undefined) {
    headers.delete("Content-Type");
    return new Response(null, { status, headers });
  }
  return new Response(body, { status, headers });
}

/** A refusal, which no client may cache. */
export function refuse(problem: Problem): Response {
  const headers = new Headers({ ...commonHeaders(), ...problem.headers });
  headers.set("Content-Type", JSON_TYPE);
  return new Response(JSON.stringify(problem.toBody()), { status: problem.status, headers });
}

/** What is left for the caller, on every answer to somebody who is known. */
export function rateLimitHeaders(state: PrimaryState): Record<string, string> {
  return {
    "X-RateLimit-Limit": String(state.limit),
    "X-RateLimit-Used": String(state.used),
    "X-RateLimit-Remaining": String(state.remaining),
    "X-RateLimit-Reset": String(state.resetSeconds),
    "X-RateLimit-Resource": "core",
  };
}

const JSON_TYPE = "application/json; charset=utf-8";

function bodyOf(answer: Answer, headers: Headers): string | undefined {
  if ("text" in answer) {
    headers.set("Content-Type", answer.contentType);
    return answer.text;
  }
  if (!("json" in answer)) return undefined;
  headers.set("Content-Type", JSON_TYPE);
  return JSON.stringify(answer.json);
}

function commonHeaders(): Record<string, string> {
  return {
    "X-GitHub-Media-Type": "github.v3; format=json",
    "X-GitHub-Request-Id": randomUUID(),
    "X-Content-Type-Options": "nosniff",
  };
}

/** `If-None-Match` compares weakly and may name several. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const wanted = withoutWeakness(etag);
  return ifNoneMatch.split(",").some((tag) => ["*", wanted].includes(withoutWeakness(tag)));
}

function withoutWeakness(tag: string): string {
  return tag.trim().replace(/^W\//u, "");
}
