import { z } from "zod";

import { parseDate, type Signature } from "../git/commit.ts";
import { Problem } from "../problem.ts";

/** An author or committer as a client gives it. */
export const Identity = z.object({
  name: z.string(),
  email: z.string(),
  date: z.string().optional(),
});
export type Identity = z.infer<typeof Identity>;

/**
 * Fills in what a client left out. Names and dates are kept as given, so that the commit's id is the
 * one the client computed; what git cannot store is refused and not repaired.
 */
export function readIdentity(
  field: "author" | "committer",
  identity: Identity | undefined,
  fallback: { absent: Signature; now: Signature },
): Signature {
  if (identity === undefined) return fallback.absent;
  const { name, email, date } = identity;
  // Control characters are what is looked for.
  const unsafe = /[<>\u0000-\u001f]/u;
  if (name.trim() === "" || name !== name.trim() || unsafe.test(name) || unsafe.test(email)) {
    throw new Problem(422, `${field} has a name or an email that git cannot store`);
  }
  if (date === undefined) return { ...fallback.now, name, email };
  const parsed = parseDate(date);
  if (parsed === undefined) {
    throw new Problem(422, `${field}.date is not a valid ISO 8601 date: ${date}`);
  }
  return { name, email, ...parsed };
}
