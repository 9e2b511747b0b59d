import { describe, expect, it } from "vitest";
import type { Release } from "../api/queries.ts";
import { layout } from "./lineage-layout.ts";

const release = (sha: string, parentSha: string | null, toSha: string | null = null): Release => ({
  runId: sha,
  sha,
  parentSha,
  title: sha,
  status: "blessed",
  releaseDigest: null,
  isHeld: false,
  rollback: toSha === null ? null : { toSha, runId: null },
  at: null,
  eventId: "1",
});

describe("the picture of releases", () => {
  it("keeps a chain in one lane, newest on top", () => {
    const { nodes, edges } = layout([release("c", "b"), release("b", "a"), release("a", null)]);
    expect(new Set(nodes.map(({ x }) => x)).size).toBe(1);
    expect(nodes.map(({ y }) => y)).toEqual([30, 90, 150]);
    expect(edges.map(({ kind }) => kind)).toEqual(["upon", "upon"]);
  });

  it("gives what branches off a lane of its own", () => {
    const { nodes } = layout([release("c", "a"), release("b", "a"), release("a", null)]);
    const [c, b, a] = nodes;
    expect(c?.x).not.toBe(b?.x);
    expect(a?.x).toBe(c?.x);
  });

  it("draws a way back, and nothing to what is not on the page", () => {
    const known = layout([release("b", "a", "a"), release("a", "gone")]);
    expect(known.edges.map(({ kind }) => kind)).toEqual(["upon", "back"]);
    expect(layout([release("b", "a", "a")]).edges).toEqual([]);
  });
});
