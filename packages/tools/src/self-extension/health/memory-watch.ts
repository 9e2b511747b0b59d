import type { BaselineRecord } from "./baseline-record.ts";

/** Memory as it is measured from outside, as the lowest value of consecutive blocks of samples. */
export interface MemoryWatch {
  readonly samples: number;
  readonly peakBytes: number;
  readonly lastBytes: number;
  /** How many samples in a row were above the limit. */
  readonly aboveInARow: number;
  readonly perBlock: number;
  readonly floors: readonly number[];
  readonly open: { readonly floor: number; readonly count: number };
}

const EMPTY_BLOCK = { floor: 0, count: 0 };

export const noMemory: MemoryWatch = {
  samples: 0,
  peakBytes: 0,
  lastBytes: 0,
  aboveInARow: 0,
  perBlock: 3,
  floors: [],
  open: EMPTY_BLOCK,
};

const MOST_BLOCKS = 16;
/**
 * Floors of a process that is in balance come in any order with the same probability, so this many in
 * rising order have probability 1/10! at one look. Blocks double in length when they are too many,
 * so the looks grow with the logarithm of time only: under 300 in a year at one sample a second,
 * which makes 1e-4 in all.
 */
const RISING = 10;
const STILL_RISING = 5;
/** A sample can be a collection that is about to happen; ten seconds of samples are not. */
const ABOVE_IN_A_ROW = 10;
const SLACK_BYTES = 64 * 2 ** 20;
const ENOUGH_SAMPLES = 10;

/** What may be used at most; null where there is no record to say. */
export function memoryLimit(record: BaselineRecord["memory"], factor: number): number | null {
  if (record === null) return null;
  // A small body may use some room of its own before a factor means anything.
  return Math.max(record.peakBytes * factor, record.peakBytes + SLACK_BYTES);
}

export function addMemory(watch: MemoryWatch, bytes: number, limit: number | null): MemoryWatch {
  const open = {
    floor: watch.open.count === 0 ? bytes : Math.min(watch.open.floor, bytes),
    count: watch.open.count + 1,
  };
  const next = {
    ...watch,
    samples: watch.samples + 1,
    peakBytes: Math.max(watch.peakBytes, bytes),
    lastBytes: bytes,
    aboveInARow: limit !== null && bytes > limit ? watch.aboveInARow + 1 : 0,
    open,
  };
  if (open.count < watch.perBlock) return next;
  const floors = [...watch.floors, open.floor];
  if (floors.length < MOST_BLOCKS) return { ...next, floors, open: EMPTY_BLOCK };
  const pairs = floors.flatMap((floor, index) =>
    index % 2 === 1 ? [Math.min(floor, floors[index - 1] ?? floor)] : [],
  );
  return { ...next, floors: pairs, open: EMPTY_BLOCK, perBlock: watch.perBlock * 2 };
}

export type MemoryFinding = "memory-over-limit" | "memory-leak";

/** What decides at once: too much for long, or a rise without a fall to more than the record's peak. */
export function memoryFinding(
  watch: MemoryWatch,
  record: BaselineRecord["memory"],
  factor: number,
): MemoryFinding | null {
  if (watch.aboveInARow >= ABOVE_IN_A_ROW) return "memory-over-limit";
  const last = watch.floors.at(-1) ?? 0;
  // Without a record a process is held against its own beginning: it has to have grown by the factor.
  const before = record === null ? (watch.floors[0] ?? 0) * factor : record.peakBytes;
  // A heap grows for minutes until its collector has found its pace: that is no leak yet.
  return last > before + SLACK_BYTES && isRising(watch.floors, RISING) ? "memory-leak" : null;
}

export type MemoryDoubt = "no-memory-samples" | "memory-growing" | "memory-above-record";

/** What keeps a window from passing. */
export function memoryDoubt(watch: MemoryWatch): MemoryDoubt | null {
  if (watch.samples < ENOUGH_SAMPLES) return "no-memory-samples";
  if (watch.aboveInARow > 0) return "memory-above-record";
  const recent = watch.floors.slice(-STILL_RISING);
  const first = recent[0] ?? 0;
  const grown = (recent.at(-1) ?? 0) > Math.max(first * 1.1, first + SLACK_BYTES / 4);
  return grown && isRising(watch.floors, STILL_RISING) ? "memory-growing" : null;
}

function isRising(floors: readonly number[], blocks: number): boolean {
  if (floors.length < blocks) return false;
  const recent = floors.slice(-blocks);
  return recent.every((floor, index) => index === 0 || floor > (recent[index - 1] ?? floor));
}
