import { connectionProblem, statusOf } from "./host-problem.ts";

export interface Effect<T> {
  /** Looks whether the effect is there already: by name, SHA or head, never by "the newest". */
  readonly find: () => Promise<T | null>;
  readonly make: () => Promise<T>;
}

/**
 * Makes an effect at most once. It is looked for first; after an error whose outcome is unknown (no
 * response, 5xx) it is looked for again, and only where it is not there the call is repeated, twice
 * at most. A clear refusal (4xx) is not repeated; "exists already" may be our own effect, which the
 * host was slow to show, so it is looked for once more before the refusal is thrown.
 */
export async function once<T>(effect: Effect<T>): Promise<T> {
  const present = await effect.find();
  if (present !== null) return present;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await effect.make();
    } catch (error) {
      const status = statusOf(error);
      const outcomeUnknown =
        (status === null || status >= 500) && connectionProblem(error) !== null;
      const mayBeThere = outcomeUnknown || status === 409 || status === 422;
      const found = mayBeThere ? await effect.find() : null;
      if (found !== null) return found;
      if (!outcomeUnknown || attempt === 3) throw error;
    }
  }
}
