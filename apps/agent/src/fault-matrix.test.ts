import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faults, FaultWorld, moments, type Fault, type Moment } from "./testing/fault-world.ts";
import { canMount } from "./testing/small-disk.ts";

// Every cell takes a change all the way: minutes for the whole, which `pnpm sweep` runs and prints.
const isWhole = process.env["JARVIS_SWEEP"] === "1";
const sample: readonly (readonly [Fault, Moment])[] = [["database killed", "rollback started"]];
const cells = isWhole
  ? faults.flatMap((fault) => moments.map((moment) => [fault, moment] as const))
  : sample;
const LIMIT_MS = 600_000;

describe("whatever dies, whenever it does", () => {
  const world = new FaultWorld();
  const ends = new Map<string, string>();

  beforeAll(async () => await world.start(), LIMIT_MS);

  afterAll(async () => {
    await world.stop();
    if (isWhole) process.stdout.write(matrix(ends));
  }, LIMIT_MS);

  it.each(cells)("%s at %s: all is well again", { timeout: LIMIT_MS }, async (fault, moment) => {
    if (fault === "disk full" && !canMount) return;
    ends.set(`${fault}/${moment}`, "not converged");
    const end = await world.cell(fault, moment);
    ends.set(`${fault}/${moment}`, end);
    expect(["blessed", "rolled-back"]).toContain(end);
  });
});

/** How each change ended, and how many cells came to an end that holds. */
function matrix(ends: ReadonlyMap<string, string>): string {
  const wide = (text: string): string => text.padEnd(18);
  const rows = faults.map((fault) =>
    [fault, ...moments.map((moment) => ends.get(`${fault}/${moment}`) ?? "not run")]
      .map(wide)
      .join(""),
  );
  const held = [...ends.values()].filter((end) => end !== "not converged").length;
  const head = ["", ...moments].map(wide).join("");
  return `\n${[head, ...rows].join("\n")}\n${held} of ${ends.size} cells converged\n`;
}
