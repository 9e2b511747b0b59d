/** Where between zero and the limit the bets lie. */
const GRID = [0, 0.125, 0.25, 0.5, 0.75] as const;

/**
 * Evidence that a rate lies below `limit`: the wealth of a bettor against "it is `limit` or more",
 * as in `evidence-of-rise.ts`, with likelihood ratios of five lower rates, equal shares, all begun at
 * the first step. It depends on the counts alone. No trial is no evidence: it starts at 1.
 */
export function evidenceBelow(limit: number, errors: number, trials: number): number {
  if (limit <= 0 || trials === 0) return 1;
  const bounded = Math.min(limit, 0.999_999);
  const sum = GRID.reduce<number>((total, part) => {
    const rate = bounded * part;
    if (rate === 0 && errors > 0) return total;
    const onErrors = errors === 0 ? 0 : errors * Math.log(rate / bounded);
    const onRest = (trials - errors) * (Math.log1p(-rate) - Math.log1p(-bounded));
    return total + Math.exp(Math.min(300, onErrors + onRest));
  }, 0);
  return sum / GRID.length;
}
