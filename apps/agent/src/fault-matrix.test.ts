import { sliceOf } from "@jarvis/db/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faults, FaultWorld, moments, type Fault, type Moment } from "./testing/fault-world.ts";
import { canMount } from "./testing/small-disk.ts";

// Every cell takes a change all the way: half an hour and more for the whole, which `pnpm sweep` runs
// and prints, in one go or in slices (`JARVIS_SWEEP_SLICE=1/8`).
const isWhole = process.env["JARVIS_SWEEP"] === "1";
const all = faults.flatMap((fault) => moments.map((moment) => [fault, moment] as const));
const sample: readonly (readonly [Fault, Moment])[] = [["kernel killed, migrating", "window open"]];
const cells = isWhole ? sliceOf(all, process.env["JARVIS_SWEEP_SLICE"], nameOf) : sample;
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
    ends.set(nameOf([fault, moment]), "not converged");
    const started = performance.now();
    const end = await world.cell(fault, moment);
    ends.set(nameOf([fault, moment]), end);
    const seconds = Math.round((performance.now() - started) / 1000);
    // The whole takes long: what is known is told at once.
    if (isWhole) process.stdout.write(`${fault} at ${moment}: ${end} (${seconds} s)\n`);
    expect(["blessed", "rolled-back"]).toContain(end);
  });
});

function nameOf([fault, moment]: readonly [Fault, Moment]): string {
  return `${fault} at ${moment}`;
}

/** How each change ended, and how many cells came to an end that holds. */
function matrix(ends: ReadonlyMap<string, string>): string {
  const wide = (text: string): string => text.padEnd(18);
  const rows = faults.map((fault) =>
    [
      fault.padEnd(24),
      ...moments.map((moment) => wide(ends.get(nameOf([fault, moment])) ?? "-")),
    ].join(""),
  );
  const held = [...ends.values()].filter((end) => end !== "not converged").length;
  const head = ["".padEnd(24), ...moments.map(wide)].join("");
  return `\n${[head, ...rows].join("\n")}\n${held} of ${ends.size} cells converged, of ${all.length} that there are\n`;
}
