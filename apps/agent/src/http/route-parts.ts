import { z } from "@hono/zod-openapi";
import * as schemas from "./schemas.ts";

/** What routes have in common. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

export const refusals = {
  400: json(schemas.problem, "The request could not be read; nothing was recorded."),
  401: json(schemas.problem, "The token is missing or nobody's."),
  403: json(
    schemas.problem,
    "The Host or Origin is not ours, or the token's role does not allow it.",
  ),
  404: json(schemas.problem, "There is no such thing."),
  413: json(schemas.problem, "The request is too large."),
  415: json(schemas.problem, "The body does not say that it is JSON."),
  503: json(schemas.problem, "The kernel cannot answer right now."),
} as const;

export const security = [{ bearer: [] }];

/** What PostgreSQL can keep as text and JSON: no NUL, no half of a surrogate pair. */
export const text = z
  .string()
  .refine(
    (value) => !/\0|\p{Surrogate}/u.test(value),
    "expected text without NUL characters and halves of characters (lone surrogates)",
  );
const anyReason = text.trim().min(1, "expected a reason that others can read");
const REASON_UNITS = 500;
export const reason = anyReason.max(REASON_UNITS);

/** Of a switch, which moves however long the reason is: it is cut, never refused. */
export const switchReason = anyReason.overwrite((given) => {
  if (given.length <= REASON_UNITS) return given;
  // Not inside a pair: with the u flag only a half matches.
  return `${given.slice(0, REASON_UNITS - 1).replace(/\p{Surrogate}$/u, "")}…`;
});

/** Of a query or a path, where every number comes as text. */
export const wholeNumber = () =>
  z.coerce.number("expected a whole number").int("expected a whole number");

export const page = z.object({
  limit: wholeNumber().min(1).max(500).default(100),
});
