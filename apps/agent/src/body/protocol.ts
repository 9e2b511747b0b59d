import { isDeeperThan } from "@jarvis/tools/json-depth";
import { z } from "zod";

/**
 * The one channel between kernel and body: a JSON document on a line, down the body's stdin and up
 * its stdout. Both sides parse what they read. Raised by hand when a message changes its meaning: a
 * kernel starts no body that speaks another version.
 */
export const PROTOCOL = 1;

/** Longest line in either direction, in bytes; the sandbox ends a body that prints a longer one. */
export const LINE_BYTES = 256 * 1024;

/** Deeper values are made to exhaust whoever walks them. */
const DEEPEST = 64;

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

// What JSON.parse made is JSON; looking at each of its values again would cost the judge more than
// it costs the body to send them. The depth was looked at before.
const json = z.custom<Json>((value) => value !== undefined, "expected a value");

const id = z.int().positive();
const word = z.string().min(1).max(200);
const toolName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/);
const sentence = z.string().max(4000);
const count = z.int().nonnegative();

const problem = z.strictObject({
  code: z.string().regex(/^[a-z][a-z-]{0,59}$/),
  message: sentence,
});
export type Problem = z.infer<typeof problem>;

const right = z.object({ id, ok: z.literal(true), output: json });
const wrong = z.object({ id, ok: z.literal(false), error: problem });

export const AnnouncedTool = z.object({
  name: toolName,
  description: sentence,
  effect: z.enum(["read", "write-workspace", "network", "process", "promotion", "irreversible"]),
  risk: z.enum(["low", "medium", "high", "critical"]).optional(),
  timeoutMs: z.int().positive().optional(),
  inputSchema: z.record(z.string(), json),
});
export type AnnouncedTool = z.infer<typeof AnnouncedTool>;

/** A goal: each step of its plan is asked for, and so is a change where it has none. */
export const Goal = z.object({
  id: word,
  text: z.string().max(16_000),
  steps: z
    .array(z.object({ tool: toolName, input: json }))
    .max(100)
    .optional(),
});
export type Goal = z.infer<typeof Goal>;

/** What a body asks for to have a goal's change written; not a tool of its own. */
export const AUTHOR = "author";
/** What tools ask the kernel for, since the body has no network, no database and not the repository. */
export const KERNEL_FETCH = "kernel-fetch";
export const KERNEL_QUERY = "kernel-query";
export const KERNEL_PROPOSE = "kernel-propose";

/** What a body says. Hostile: a body is a release that is not judged yet. */
export const FromBody = z.union([
  z.strictObject({
    type: z.literal("ready"),
    protocol: z.int(),
    tools: z.array(AnnouncedTool).max(500),
  }),
  /** Counts since it started; `sequence` rises by one. */
  z.strictObject({
    type: z.literal("heartbeat"),
    sequence: count,
    cycles: count,
    toolCalls: count,
    toolErrors: count,
  }),
  /** The answer to `perform`. */
  right.extend({ type: z.literal("result") }).strict(),
  wrong.extend({ type: z.literal("result") }).strict(),
  /** Asks to call a tool; `id` is the body's own number. */
  z.strictObject({
    type: z.literal("ask"),
    id,
    tool: toolName,
    input: json,
    goalId: word.optional(),
  }),
  z.strictObject({
    type: z.literal("report"),
    goalId: word,
    text: z.string().max(16_000),
    done: z.boolean(),
  }),
  /** A change to its own code, as a git patch. */
  z.strictObject({
    type: z.literal("propose"),
    id,
    patch: z.string().max(LINE_BYTES),
    title: z.string().max(500),
    goalId: word.optional(),
  }),
]);
export type FromBody = z.infer<typeof FromBody>;

/** What a kernel says. */
export const ToBody = z.union([
  z.strictObject({
    type: z.literal("start"),
    releaseDigest: word,
    heartbeatMs: z.int().min(10).max(60_000),
  }),
  /** An order: the kernel decided that this call is made. */
  z.strictObject({ type: z.literal("perform"), id, tool: toolName, input: json }),
  /** Withdraws an order that nobody waits for any more. */
  z.strictObject({ type: z.literal("perform-cancelled"), id }),
  /** The answer to `ask` and `propose`. */
  right.extend({ type: z.literal("answer") }).strict(),
  wrong.extend({ type: z.literal("answer") }).strict(),
  z.strictObject({ type: z.literal("goal"), ...Goal.shape }),
  z.strictObject({ type: z.literal("goal-cancelled"), id: word }),
  z.strictObject({ type: z.literal("stop") }),
]);
export type ToBody = z.infer<typeof ToBody>;

/** The message on a line, or null for anything else. */
export function parseLine<T>(schema: z.ZodType<T>, line: string): T | null {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    return null;
  }
  if (isDeeperThan(document, DEEPEST)) return null;
  const parsed = schema.safeParse(document);
  return parsed.success ? parsed.data : null;
}

/** The line of a message, or null where it is longer than a line may be. */
export function lineOf(message: FromBody | ToBody): string | null {
  const line = JSON.stringify(message);
  return Buffer.byteLength(line) <= LINE_BYTES ? line : null;
}
