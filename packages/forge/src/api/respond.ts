import { createHash, randomUUID } from "node:crypto";

import type { Problem } from "../problem.ts";
import type { RateLimit } from "../world.ts";
import type { Answer } from "./operation.ts";

export interface ResponseContext {
  ifNoneMatch: string | undefined;
  cacheable: boolean;
  rateLimit: RateLimit;
  login: string;
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
  // As on GitHub an answer that changed nothing for the client is not counted.
  if (status !== 304) context.rateLimit.count(context.login);
  addRateLimit(headers, context.rateLimit, context.login);
  if (status === 304 || body === undefined) {
    headers.delete("Content-Type");
    return new Response(null, { status, headers });
  }
  return new Response(body, { status, headers });
}

/** A refusal. Not cached, and not counted: who is refused has not used anything. */
export function refuse(problem: Problem): Response {
  const headers = new Headers(commonHeaders());
  headers.set("Content-Type", JSON_TYPE);
  return new Response(JSON.stringify(problem.toBody()), { status: problem.status, headers });
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

function addRateLimit(headers: Headers, rateLimit: RateLimit, login: string): void {
  const used = rateLimit.used(login);
  headers.set("X-RateLimit-Limit", String(rateLimit.limit));
  headers.set("X-RateLimit-Used", String(used));
  headers.set("X-RateLimit-Remaining", String(Math.max(0, rateLimit.limit - used)));
  headers.set("X-RateLimit-Reset", String(rateLimit.resetSeconds()));
  headers.set("X-RateLimit-Resource", "core");
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
