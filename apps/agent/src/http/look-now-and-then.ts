const EVERY_MS = 10_000;

/**
 * Asks whether something may go on, at most every ten seconds; in between it may. Not by the time of
 * day: a clock that is set back would keep a revoked token's connection open.
 */
export function lookNowAndThen(ask: () => boolean): () => boolean {
  let askedAt = performance.now();
  return () => {
    if (performance.now() - askedAt < EVERY_MS) return true;
    askedAt = performance.now();
    return ask();
  };
}
