import type { FromBody, Json } from "../../body/protocol.ts";

export type Ask = Omit<Extract<FromBody, { type: "ask" }>, "type" | "id">;
export type Report = Omit<Extract<FromBody, { type: "report" }>, "type">;
export type Proposal = Omit<Extract<FromBody, { type: "propose" }>, "type" | "id">;

/** What the kernel made of an ask. All sentences are for the body's log and for people. */
export type AskOutcome =
  | { outcome: "completed"; output: Json }
  /** Policy, a switch or a person said no: no fault of the body's. */
  | { outcome: "refused"; reason: string }
  /** It was performed, and failed. */
  | { outcome: "failed"; reason: string }
  /** The kernel could not decide, for reasons of its own. */
  | { outcome: "unavailable"; reason: string };

/**
 * What a body may ask of its kernel. Everything in it is text of the body: shown, never believed.
 * `signal` is aborted when the body has ended.
 */
export interface BodyRequests {
  /** Decides about a call, and performs it (by the keeper) where it may be. */
  ask(ask: Ask, signal: AbortSignal): Promise<AskOutcome>;
  report(report: Report): Promise<void>;
  /** Answers a sentence, or the id of the run that was begun. */
  propose(proposal: Proposal): Promise<AskOutcome>;
}
