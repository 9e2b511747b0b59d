import type { Release } from "../api/queries.ts";

/** Height of a row, the same as in the list beside the picture. */
export const ROW = 60;
const LANE = 26;
const LEFT = 22;

export interface Graph {
  readonly nodes: readonly { readonly x: number; readonly y: number; readonly release: Release }[];
  readonly edges: readonly { readonly path: string; readonly kind: "upon" | "back" }[];
  readonly width: number;
}

/**
 * Where every release stands: one row each, newest first. A chain of commits keeps its lane; a commit
 * whose child took the lane already begins another. Ways back are arcs on the right.
 */
export function layout(releases: readonly Release[]): Graph {
  const rowOf = new Map(releases.map(({ sha }, row) => [sha, row]));
  const laneOf = new Map<string, number>();
  // What a lane waits for: the parent of the commit that was put there last.
  const waiting: (string | null)[] = [];
  for (const { sha, parentSha } of releases) {
    const kept = waiting.indexOf(sha);
    const free = waiting.indexOf(null);
    const lane = kept !== -1 ? kept : free !== -1 ? free : waiting.length;
    // Every other lane that waited for this commit ends here.
    for (const [index, wanted] of waiting.entries()) if (wanted === sha) waiting[index] = null;
    waiting[lane] = parentSha !== null && rowOf.has(parentSha) ? parentSha : null;
    laneOf.set(sha, lane);
  }
  const lanes = Math.max(waiting.length, 1);
  const x = (sha: string): number => LEFT + (laneOf.get(sha) ?? 0) * LANE;
  const y = (sha: string): number => (rowOf.get(sha) ?? 0) * ROW + ROW / 2;
  const edges: { path: string; kind: "upon" | "back" }[] = [];
  let widest = 0;
  for (const { sha, parentSha, rollback } of releases) {
    if (parentSha !== null && rowOf.has(parentSha)) {
      const middle = y(parentSha) - ROW / 2;
      edges.push({
        kind: "upon",
        path: `M${x(sha)} ${y(sha)} L${x(sha)} ${middle} L${x(parentSha)} ${y(parentSha)}`,
      });
    }
    const to = rollback?.toSha ?? null;
    if (to !== null && rowOf.has(to) && to !== sha) {
      const rows = Math.abs((rowOf.get(to) ?? 0) - (rowOf.get(sha) ?? 0));
      const reach = Math.min(14 + rows * 10, 54);
      widest = Math.max(widest, reach);
      const right = LEFT + (lanes - 1) * LANE + reach;
      edges.push({
        kind: "back",
        path: `M${x(sha) + 8} ${y(sha)} C${right} ${y(sha)} ${right} ${y(to)} ${x(to) + 11} ${y(to)}`,
      });
    }
  }
  return {
    nodes: releases.map((release) => ({ x: x(release.sha), y: y(release.sha), release })),
    edges,
    width: LEFT * 2 + (lanes - 1) * LANE + widest,
  };
}
