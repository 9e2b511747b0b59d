/** Leaves from `start` up to and without `end`; the hash over them is one hash of a proof. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * What an inclusion proof of leaf `index` in a tree of `size` leaves consists of, from the leaf
 * upwards (RFC 6962, 2.1.1).
 */
export function inclusionRanges(index: number, size: number): Range[] {
  requireLess(index, size);
  const path = (start: number, end: number): Range[] => {
    if (end - start === 1) return [];
    const middle = start + largestPowerBelow(end - start);
    return index < middle
      ? [...path(start, middle), { start: middle, end }]
      : [...path(middle, end), { start, end: middle }];
  };
  return path(0, size);
}

/**
 * What a proof that the tree of `first` leaves is the beginning of that of `second` consists of
 * (RFC 6962, 2.1.2). Empty where the sizes are equal or the first is 0.
 */
export function consistencyRanges(first: number, second: number): Range[] {
  if (first === 0 || first === second) return [];
  requireLess(first, second);
  // `whole`: the verifier knows the hash over these leaves already, as the first root.
  const proof = (start: number, end: number, whole: boolean): Range[] => {
    if (end === first) return whole ? [] : [{ start, end }];
    const middle = start + largestPowerBelow(end - start);
    return first <= middle
      ? [...proof(start, middle, whole), { start: middle, end }]
      : [...proof(middle, end, false), { start, end: middle }];
  };
  return proof(0, second, true);
}

/** The complete subtrees of a range, from left to right: `level` 0 is a leaf. */
export function completeSubtrees(range: Range): { level: number; index: number }[] {
  const subtrees: { level: number; index: number }[] = [];
  let { start } = range;
  while (start < range.end) {
    let level = 0;
    let width = 1;
    while (start % (width * 2) === 0 && start + width * 2 <= range.end) {
      width *= 2;
      level += 1;
    }
    subtrees.push({ level, index: start / width });
    start += width;
  }
  return subtrees;
}

/** The largest power of two that is smaller than `n`, for n > 1. */
function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

function requireLess(small: number, large: number): void {
  if (!Number.isSafeInteger(small) || !Number.isSafeInteger(large) || small < 0 || small >= large) {
    throw new RangeError(`expected a place below ${large}, got ${small}`);
  }
}
