import { describe, expect, it } from "vitest";
import {
  binomialCdf,
  binomialTail,
  quantileBoundIndex,
  rateAtLeast,
  rateAtMost,
} from "./binomial.ts";
import { evidenceBelow } from "./evidence-below.ts";
import { bet, noEvidenceYet, wealth, type EvidenceOfRise } from "./evidence-of-rise.ts";

describe("binomial", () => {
  it.each([
    [0, 10, 0.5, 1 / 1024],
    [5, 10, 0.5, 0.623046875],
    [9, 10, 0.5, 1023 / 1024],
    [10, 10, 0.5, 1],
    [2, 300, 0.01, 0.42214],
    [700, 1000, 0.7, 0.51],
  ])("P(X <= %i of %i at %f) is %f", (successes, trials, rate, expected) => {
    expect(binomialCdf(successes, trials, rate)).toBeCloseTo(expected, 2);
  });

  it("sums the long side as exactly as the short one", () => {
    for (const successes of [400, 499, 500, 501, 600]) {
      const both = binomialCdf(successes, 1000, 0.5) + binomialTail(successes + 1, 1000, 0.5);
      expect(both).toBeCloseTo(1, 12);
    }
  });

  it("bounds a rate from both sides, as Clopper and Pearson do", () => {
    expect(rateAtMost(0, 100, 0.05)).toBeCloseTo(1 - 0.05 ** 0.01, 6);
    expect(rateAtLeast(100, 100, 0.05)).toBeCloseTo(0.05 ** 0.01, 6);
    expect(rateAtMost(5, 50, 0.025)).toBeCloseTo(0.21814, 4);
    expect(rateAtLeast(5, 50, 0.025)).toBeCloseTo(0.03328, 4);
  });

  it("knows nothing where nothing was tried", () => {
    expect([rateAtMost(0, 0, 0.01), rateAtLeast(0, 0, 0.01)]).toEqual([1, 0]);
  });

  it("bounds a quantile only with enough values", () => {
    expect(quantileBoundIndex(50, 0.95, 0.001)).toBeNull();
    const index = quantileBoundIndex(500, 0.95, 0.001);
    expect(index).toBeGreaterThan(475);
    expect(binomialTail((index ?? 0) + 1, 500, 0.95)).toBeLessThanOrEqual(0.001);
  });
});

describe("evidence of a rise", () => {
  const limits = [0.001, 0.05, 0.5, 0.95];

  it.each(limits)("is a fair or a losing game where the rate is at most %f", (limit) => {
    // One step from any state: the mean of what may come is never more than what is there.
    let evidence = noEvidenceYet(limit);
    for (const isError of [false, true, true, false, true]) {
      for (const rate of [0, limit / 2, limit]) {
        const mean = rate * wealth(bet(evidence, true)) + (1 - rate) * wealth(bet(evidence, false));
        expect(mean).toBeLessThanOrEqual(wealth(evidence) * (1 + 1e-12));
      }
      evidence = bet(evidence, isError);
    }
  });

  it("begins at 1 and never becomes proof where the limit is 1", () => {
    expect(wealth(noEvidenceYet(0.1))).toBe(1);
    expect(wealth(many(noEvidenceYet(1), 1000, () => true))).toBe(1);
  });

  it("finds a rise soon, and one that begins late nearly as soon", () => {
    const atOnce = stepsUntil(1000, (step) => step % 5 === 0, 0);
    const late = stepsUntil(1000, (step) => step % 5 === 0, 5_000);
    expect(atOnce).toBeLessThan(30);
    expect(late).toBeLessThan(60);
  });

  it("stays a number however long it is sure", () => {
    const sure = many(noEvidenceYet(0.01), 2_000, () => true);
    expect(Number.isFinite(wealth(sure))).toBe(true);
    expect(wealth(many(sure, 100_000, () => false))).toBeLessThan(1);
  });
});

describe("evidence that a rate is low", () => {
  it("is none without trials, grows with good ones and falls with errors", () => {
    expect(evidenceBelow(0.02, 0, 0)).toBe(1);
    expect(evidenceBelow(0.02, 0, 400)).toBeGreaterThan(500);
    expect(evidenceBelow(0.02, 8, 400)).toBeLessThan(1);
    expect(evidenceBelow(0.02, 300, 300)).toBeLessThan(1);
  });

  it.each([0.02, 0.3])("is a fair or a losing game where the rate is at least %f", (limit) => {
    for (const [errors, trials] of [
      [0, 0],
      [0, 10],
      [3, 50],
    ] as const) {
      for (const rate of [limit, limit * 1.5, 1]) {
        const mean =
          rate * evidenceBelow(limit, errors + 1, trials + 1) +
          (1 - rate) * evidenceBelow(limit, errors, trials + 1);
        expect(mean).toBeLessThanOrEqual(evidenceBelow(limit, errors, trials) * (1 + 1e-12));
      }
    }
  });
});

function many(
  evidence: EvidenceOfRise,
  steps: number,
  isError: (step: number) => boolean,
): EvidenceOfRise {
  let next = evidence;
  for (let step = 0; step < steps; step += 1) next = bet(next, isError(step));
  return next;
}

/** Steps until the proof, after so many good ones. */
function stepsUntil(proof: number, isError: (step: number) => boolean, good: number): number {
  let evidence = many(noEvidenceYet(0.01), good, () => false);
  for (let step = 1; ; step += 1) {
    evidence = bet(evidence, isError(step));
    if (wealth(evidence) >= proof) return step;
  }
}
