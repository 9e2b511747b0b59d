import type { z } from "zod";

import { Problem } from "../problem.ts";

/** Parses a request body, or refuses it in the words GitHub uses for the first thing wrong. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Problem(400, "Body should be a JSON object");
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.map(String) ?? [];
  const field = path.join("/");
  const missing = path.length > 0 && valueAt(body, path) === undefined;
  const reason = missing
    ? `"${field}" wasn't supplied.`
    : `For 'properties/${field}', ${issue?.message ?? "the value is not valid"}.`;
  throw new Problem(422, `Invalid request.\n\n${reason}`);
}

function valueAt(body: object, path: readonly string[]): unknown {
  let value: unknown = body;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
