/**
 * Evidence that a rate has risen above a limit, at the beginning or at any time later.
 *
 * It is the wealth of a bettor who starts with 1 and plays against "at every step the probability of
 * an error, given all before, is at most `limit`". Under that sentence the wealth is a nonnegative
 * supermartingale, so by Ville's inequality it ever reaches 1/alpha with probability alpha at most,
 * however often one looks and whenever one stops (Ramdas, Grünwald, Vovk, Shafer 2023,
 * "Game-theoretic statistics and safe anytime-valid inference").
 *
 * The bets: for each of some higher rates the likelihood ratio against the limit, begun at every
 * step j with the share 1/(j(j+1)) of the money (these add up to 1; what is not yet begun is held as
 * cash). Bets that begin late are what finds a release that works first and fails later; a bet from
 * the first step alone would have to win back what it lost on a long good time. Starting e-processes
 * at consecutive times is the idea of Shin, Ramdas, Rinaldo 2023, "E-detectors".
 */
export interface EvidenceOfRise {
  readonly limit: number;
  readonly trials: number;
  /** What each bet is worth now, in the order of `betsAgainst(limit)`. */
  readonly worth: readonly number[];
}

/** Where between the limit and certainty the bets lie: small rises and large ones. */
const GRID = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9] as const;

// Far beyond any level, and far below what a number can hold.
const RICH_ENOUGH = 1e100;

/** `limit` 1 can never be exceeded: the evidence stays 1. */
export function noEvidenceYet(limit: number): EvidenceOfRise {
  return { limit, trials: 0, worth: limit >= 1 ? [] : GRID.map(() => 0) };
}

export function bet(evidence: EvidenceOfRise, isError: boolean): EvidenceOfRise {
  const { limit } = evidence;
  const trials = evidence.trials + 1;
  const begun = 1 / (trials * (trials + 1));
  const worth = evidence.worth.map((before, index) => {
    const rate = limit + (1 - limit) * (GRID[index] ?? 0);
    const ratio = isError ? rate / limit : (1 - rate) / (1 - limit);
    return Math.min(RICH_ENOUGH, (before + begun) * ratio);
  });
  return { limit, trials, worth };
}

/** What the bettor owns: 1 at the beginning; 1/alpha is proof at level alpha. */
export function wealth({ trials, worth }: EvidenceOfRise): number {
  const cash = 1 / (trials + 1);
  if (worth.length === 0) return 1;
  return cash + worth.reduce((sum, value) => sum + value, 0) / worth.length;
}
