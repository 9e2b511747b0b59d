import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { lifecycleEventTypes } from "../lifecycle-events.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().nullable();

export const journaledEvent = z.object({
  context: z.object({
    runId: z.string().min(1),
    correlationId: z.string(),
    actorSource: z.enum(["agent", "user", "system"]),
    actor: z.string(),
    toolName: name,
    toolCallId: name,
    goalId: name,
    cycleId: name,
    subGoalId: name,
  }),
  type: z.enum(lifecycleEventTypes),
  stage: z.string(),
  idempotencyKey: z.string().min(1),
  payload: z.record(z.string(), z.unknown()),
});

/** The first line of a journal whose earlier lines have reached the ledger; the chain goes on from it. */
const head = z.strictObject({ head: z.literal(1), seq: z.number().int().nonnegative(), hash });

const line = z.strictObject({
  seq: z.number().int().positive(),
  previous: hash,
  event: journaledEvent,
  hash,
});
export type Line = z.infer<typeof line>;

const BEGINNING = "0".repeat(64);

/** What a journal file says. */
export interface Journal {
  readonly lines: readonly Line[];
  /** Of the last line, whole and in its place. */
  readonly seq: number;
  readonly hash: string;
  /** Up to the last line break; what follows is half a line. */
  readonly wholeBytes: number;
  readonly tornBytes: number;
  /** The first line that does not continue the chain, and what is wrong with it; null where all do. */
  readonly broken: { readonly line: number; readonly detail: string } | null;
}

/** Reads a journal up to its end or to the first line that does not continue the chain. */
export function readJournal(path: string): Journal {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  const texts = bytes.subarray(0, wholeBytes).toString("utf8").split("\n").slice(0, -1);
  const tornBytes = bytes.length - wholeBytes;
  const lines: Line[] = [];
  let seq = 0;
  let previous = BEGINNING;
  for (const [index, text] of texts.entries()) {
    const entry = parseLine(text);
    const start = index === 0 ? head.safeParse(entry) : null;
    if (start?.success === true) {
      ({ seq, hash: previous } = start.data);
      continue;
    }
    const parsed = line.safeParse(entry);
    const detail = parsed.success
      ? chainProblem(parsed.data, seq, previous)
      : "it is no line of a journal";
    if (!parsed.success || detail !== null) {
      const broken = { line: index + 1, detail: detail ?? "it is no line of a journal" };
      return { lines, seq, hash: previous, wholeBytes, tornBytes, broken };
    }
    lines.push(parsed.data);
    ({ seq, hash: previous } = parsed.data);
  }
  return { lines, seq, hash: previous, wholeBytes, tornBytes, broken: null };
}

function chainProblem(entry: Line, seq: number, previous: string): string | null {
  if (entry.seq !== seq + 1) return `its number is ${entry.seq}, expected ${seq + 1}`;
  if (entry.previous !== previous) return "it does not follow the line before it";
  if (entry.hash !== hashOf(entry.seq, entry.previous, entry.event)) return "it was changed";
  return null;
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Keys in a fixed order, so that the same event has the same hash however it was put together. */
export function hashOf(seq: number, previous: string, event: Line["event"]): string {
  const canonical = JSON.stringify(["jarvis-journal-v1", seq, previous, sortKeys(event)]);
  return createHash("sha256").update(canonical).digest("hex");
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}
