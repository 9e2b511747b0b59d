import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@jarvis/db";
import { z } from "zod";
import { baselineRecord } from "../health/baseline-record.ts";
import { windowFacts } from "../health-payloads.ts";
import { digest, gitSha } from "../ledger-words.ts";

const instant = z.iso.datetime();

/** The release that the body runs. */
export const servingPointer = z.strictObject({
  version: z.literal(1),
  releaseDigest: digest,
  sha: gitSha,
  treeSha: gitSha,
  /** The run that promoted it; null for the first release and after an attestation. */
  runId: z.string().nullable(),
  cause: z.enum(["first", "promoted", "accepted", "rolled-back", "operator"]),
  since: instant,
});
export type ServingPointer = z.infer<typeof servingPointer>;

/** A release that passed its health window, with all that its events in the ledger say. */
export const blessedRelease = z.strictObject({
  releaseDigest: digest,
  sha: gitSha,
  treeSha: gitSha,
  runId: z.string().min(1),
  /** The window that it passed; null for the release that Jarvis started with. */
  window: z.strictObject({ number: z.number().int().positive(), facts: windowFacts }).nullable(),
  record: baselineRecord,
  blessedAt: instant,
});
export type BlessedRelease = z.infer<typeof blessedRelease>;

/** The last blessed release and those before it, the newest first: where to go back to. */
export const baselinePointer = z.strictObject({
  version: z.literal(1),
  current: blessedRelease,
  earlier: z.array(blessedRelease).max(32),
});
export type BaselinePointer = z.infer<typeof baselinePointer>;

/** What a file says. Missing and malformed are not known, and nothing is put in their place. */
export type Reading<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly problem: "missing" | "malformed"; readonly detail: string };

const SERVING = "serving.json";
const BASELINE = "baseline.json";
/** Earlier blessed releases that the pointer remembers. */
export const EARLIER = 8;

/** The pointers lie beside the releases, so that going back needs neither database nor forge. */
export function readServing(directory: string): Reading<ServingPointer> {
  return readPointer(join(directory, SERVING), servingPointer);
}

export function readBaseline(directory: string): Reading<BaselinePointer> {
  return readPointer(join(directory, BASELINE), baselinePointer);
}

/** Switches what the body runs; whole and lasting when this returns, as it was when it throws. */
export function writeServing(directory: string, pointer: ServingPointer): void {
  writePointer(join(directory, SERVING), servingPointer.parse(pointer));
}

/** What served is another kernel's: nobody knows until this one serves something. */
export function forgetServing(directory: string): void {
  rmSync(join(directory, SERVING), { force: true });
}

export function writeBaseline(directory: string, pointer: BaselinePointer): void {
  writePointer(join(directory, BASELINE), baselinePointer.parse(pointer));
}

/** The pointer after one more blessing. A release that is the baseline already changes nothing. */
export function withBlessed(
  before: BaselinePointer | null,
  blessed: BlessedRelease,
): BaselinePointer {
  if (before?.current.releaseDigest === blessed.releaseDigest) return before;
  const others = before === null ? [] : [before.current, ...before.earlier];
  return {
    version: 1,
    current: blessed,
    // What is blessed again is not its own predecessor.
    earlier: others
      .filter(({ releaseDigest }) => releaseDigest !== blessed.releaseDigest)
      .slice(0, EARLIER),
  };
}

/**
 * Where a release goes back to: the baseline, or the one blessed before it where the release is the
 * baseline itself, or has been in the list. Null where there is nothing older.
 */
export function targetOfRollback(
  baseline: BaselinePointer,
  fromReleaseDigest: string,
): BlessedRelease | null {
  const known = [baseline.current, ...baseline.earlier];
  const index = known.findIndex(({ releaseDigest }) => releaseDigest === fromReleaseDigest);
  return known[index + 1] ?? null;
}

/** The pointer after its current release was found unhealthy: the one before it is the baseline again. */
export function withoutCurrent(baseline: BaselinePointer): BaselinePointer | null {
  const [current, ...earlier] = baseline.earlier;
  return current === undefined ? null : { version: 1, current, earlier };
}

function readPointer<T>(path: string, schema: z.ZodType<T>): Reading<T> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const problem = isMissing ? "missing" : "malformed";
    return { known: false, problem, detail: `${path} cannot be read: ${String(error)}` };
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { known: false, problem: "malformed", detail: `${path} is not JSON.` };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { known: true, value: parsed.data };
  return {
    known: false,
    problem: "malformed",
    detail: `${path}: ${z.prettifyError(parsed.error)}`,
  };
}

function writePointer(path: string, value: unknown): void {
  writeDurably(path, `${JSON.stringify(value, null, 2)}\n`);
}
