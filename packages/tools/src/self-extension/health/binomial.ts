/** Exact binomial probabilities; counts up to about a million, no normal approximation anywhere. */

/** P(X <= successes) for X of a binomial distribution. */
export function binomialCdf(successes: number, trials: number, rate: number): number {
  if (successes < 0) return 0;
  if (successes >= trials || rate <= 0) return 1;
  if (rate >= 1) return 0;
  // The shorter sum of the two.
  if (successes > trials / 2) return Math.max(0, 1 - sumFrom(successes + 1, trials, trials, rate));
  return Math.min(1, sumFrom(0, successes, trials, rate));
}

/** P(X >= successes). */
export function binomialTail(successes: number, trials: number, rate: number): number {
  return Math.max(0, 1 - binomialCdf(successes - 1, trials, rate));
}

/**
 * The highest rate that `errors` in `trials` do not rule out at level `beta` (Clopper and Pearson,
 * 1934): the true rate is above it with probability `beta` at most. 1 where nothing was tried.
 */
export function rateAtMost(errors: number, trials: number, beta: number): number {
  if (trials === 0 || errors >= trials) return 1;
  return bisect((rate) => binomialCdf(errors, trials, rate) > beta, "above");
}

/** The lowest rate that is not ruled out: the mirror of `rateAtMost`. */
export function rateAtLeast(errors: number, trials: number, beta: number): number {
  if (errors === 0) return 0;
  return bisect((rate) => binomialTail(errors, trials, rate) <= beta, "below");
}

/**
 * Which of `samples` sorted values bounds a quantile from above: the true quantile is greater than
 * the value at this index with probability `beta` at most, whatever the distribution. Null where
 * there are too few values for any to do so.
 */
export function quantileBoundIndex(samples: number, quantile: number, beta: number): number | null {
  // The quantile lies above the value at an index only where all values up to it lie below.
  for (let index = Math.floor(samples * quantile); index < samples; index += 1) {
    if (binomialTail(index + 1, samples, quantile) <= beta) return index;
  }
  return null;
}

/** P(from <= X <= to). */
function sumFrom(from: number, to: number, trials: number, rate: number): number {
  const logRate = Math.log(rate);
  const logRest = Math.log1p(-rate);
  let sum = 0;
  for (let k = from; k <= to; k += 1) {
    sum += Math.exp(logChoose(trials, k) + k * logRate + (trials - k) * logRest);
  }
  return sum;
}

/** Where `holds`, true for low rates, turns false; from the side on which a bound is too wide, never too narrow. */
function bisect(holds: (rate: number) => boolean, side: "above" | "below"): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return side === "above" ? high : low;
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const factorials: number[] = [0];

/** ln(n!): summed up to 256, Stirling's series beyond, where its error is below 1e-15. */
function logFactorial(n: number): number {
  if (n > 256) {
    return (
      (n + 0.5) * Math.log(n) -
      n +
      0.5 * Math.log(2 * Math.PI) +
      1 / (12 * n) -
      1 / (360 * n ** 3) +
      1 / (1260 * n ** 5)
    );
  }
  for (let k = factorials.length; k <= n; k += 1) {
    factorials.push((factorials[k - 1] ?? 0) + Math.log(k));
  }
  return factorials[n] ?? 0;
}
