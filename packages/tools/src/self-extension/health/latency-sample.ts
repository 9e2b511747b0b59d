import { quantileBoundIndex } from "./binomial.ts";
import type { BaselineRecord } from "./baseline-record.ts";

/** A bounded, evenly thinned sample of times: every `stride`-th is kept. */
export interface LatencySample {
  readonly seen: number;
  readonly stride: number;
  readonly kept: readonly number[];
}

const MOST = 512;

export const noLatency: LatencySample = { seen: 0, stride: 1, kept: [] };

export function addLatency(sample: LatencySample, latencyMs: number): LatencySample {
  const seen = sample.seen + 1;
  if (seen % sample.stride !== 0) return { ...sample, seen };
  const kept = [...sample.kept, latencyMs];
  if (kept.length < MOST) return { ...sample, seen, kept };
  // Full: every second one goes, and from now on half as many come.
  return { seen, stride: sample.stride * 2, kept: kept.filter((_, index) => index % 2 === 1) };
}

/** Upper bounds of median and 95th percentile; null where the sample is too small for the level. */
export function latencyRecord(sample: LatencySample, beta: number): BaselineRecord["latency"] {
  const sorted = sample.kept.toSorted((a, b) => a - b);
  const at = (quantile: number): number | undefined => {
    const index = quantileBoundIndex(sorted.length, quantile, beta);
    return index === null ? undefined : sorted[index];
  };
  const medianMs = at(0.5);
  const tailMs = at(0.95);
  return medianMs === undefined || tailMs === undefined
    ? null
    : { medianMs, tailMs, samples: sample.seen };
}
