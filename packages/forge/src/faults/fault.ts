import { z } from "zod";

const When = z.enum(["before", "after"]).default("after");
const LimitStatus = z.union([z.literal(403), z.literal(429)]).default(403);
const Sha = z.string().regex(/^[0-9a-f]{40}$/u);

/** What may go wrong at a call, before or after it took effect. */
export const Fault = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("error"),
    when: When,
    status: z.union([z.literal(500), z.literal(502), z.literal(503), z.literal(504)]).default(502),
  }),
  /** The connection ends without an answer; `after`: the answer is lost and the effect is not. */
  z.strictObject({ kind: z.literal("close-connection"), when: When }),
  z.strictObject({ kind: z.literal("delay"), when: When, ms: z.int().min(1).max(600_000) }),
  /** A read is answered from the state before the last so many changes. */
  z.strictObject({ kind: z.literal("stale-read"), changesBack: z.int().min(1).max(50).default(1) }),
  /** This call is refused as if the hour were used up, or the client impolite. */
  z.strictObject({
    kind: z.literal("primary-limit"),
    status: LimitStatus,
    resetInSeconds: z.int().min(0).max(3_600).default(3_600),
  }),
  z.strictObject({
    kind: z.literal("secondary-limit"),
    status: LimitStatus,
    retryAfterSeconds: z.int().min(0).max(3_600).default(60),
  }),
  /** The caller's budget really is this from here on, and is enforced until it is reset. */
  z.strictObject({
    kind: z.literal("rate-budget"),
    remaining: z.int().min(0),
    resetInSeconds: z.number().min(0).max(3_600).default(3_600),
  }),
  /** Somebody whom no protection holds moves a branch. */
  z.strictObject({
    kind: z.literal("move-branch"),
    when: When,
    branch: z.string().min(1),
    to: z.union([
      z.strictObject({ sha: Sha }),
      /** So many first parents back. */
      z.strictObject({ rewind: z.int().min(1) }),
      /** On top of the branch, by somebody else. */
      z.literal("new-commit"),
    ]),
  }),
]);
export type Fault = z.infer<typeof Fault>;

/** A fault and the calls it is for: those that match, from the n-th on, so many times. */
export const FaultOrder = z.strictObject({
  match: z
    .strictObject({
      /** GitHub's operation id, such as `pulls/merge`. */
      operation: z.string().optional(),
      method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).optional(),
      /**
       * The path below the API's address, such as `/repos/local/jarvis/pulls/*`, or a path of git
       * over HTTP. `*` and `{name}` stand for one part, `**` for any number of them.
       */
      path: z.string().startsWith("/").optional(),
      /** Whose calls: `jarvis[bot]` or `operator`. */
      login: z.string().optional(),
      nth: z.int().min(1).default(1),
      times: z.int().min(1).default(1),
    })
    .prefault({}),
  fault: Fault,
});
export type FaultOrder = z.infer<typeof FaultOrder>;
/** As a test writes it, with what has a default left out. */
export type FaultInput = z.input<typeof FaultOrder>;
