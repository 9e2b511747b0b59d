import { messageOf } from "@jarvis/db";
import type { BlockReason } from "./block-reasons.ts";
import { statusOf } from "./host-problem.ts";

/** What a host's clear refusal of a landing means, and the host's own words. */
export interface LandingRefusal {
  readonly reason: Extract<BlockReason, "base-moved" | "status-failing" | "landing-refused">;
  readonly message: string;
}

/**
 * What an error says of a request to land; null for any other error, which refuses nothing.
 *
 * It reads the host's prose: GitHub answers 405 and 422 for a base that moved, for a
 * status that is missing and for a rule that forbids it alike, and only its message tells them
 * apart. A message that is not known here is `landing-refused`, which lands nothing.
 */
export function landingRefusal(error: unknown): LandingRefusal | null {
  const status = statusOf(error);
  const message = messageOf(error);
  if (status === 409) return { reason: "base-moved", message };
  if (status !== 405 && status !== 422) return null;
  if (/fast.forward|reference .*(update|expected)|Base branch was modified/i.test(message))
    return { reason: "base-moved", message };
  return { reason: /status/i.test(message) ? "status-failing" : "landing-refused", message };
}

/** What is known after a request that was refused or had no answer, and did not land. */
export interface AfterRequest {
  /** Null if there was no answer. */
  readonly refusal: LandingRefusal | null;
  /** How many requests of this attempt had no answer, this one too. */
  readonly unanswered: number;
  /** How often this attempt waited for a status to be believed. */
  readonly waits: number;
  readonly isFenced: boolean;
  /** A request of an earlier attempt may be on its way. */
  readonly mayBeOnItsWay: boolean;
}

/**
 * - `send-again`: pass all checks anew, and send another request;
 * - `leave-open`: the host does not answer; the next attempt goes on with the intent;
 * - `wait`: as `send-again`, a moment later;
 * - `settle`: whether an earlier request can still land has to be found out first;
 * - `give-up`: the host has said no, and the intent did not happen.
 */
export type NextStep =
  | { readonly kind: "send-again" | "leave-open" | "settle" | "give-up" }
  | { readonly kind: "wait"; readonly delayMs: number };

/** A host that has just been told of a status may refuse for another moment. */
const STATUS_DELAYS_MS = [100, 300, 900, 2000];
const MAX_UNANSWERED = 3;

export function decideAfterRequest(known: AfterRequest): NextStep {
  const { refusal, unanswered, waits, isFenced, mayBeOnItsWay } = known;
  if (refusal === null) {
    return { kind: unanswered < MAX_UNANSWERED ? "send-again" : "leave-open" };
  }
  if (refusal.reason !== "status-failing") return { kind: "give-up" };
  const delayMs = STATUS_DELAYS_MS[waits];
  if (isFenced && delayMs !== undefined) return { kind: "wait", delayMs };
  // A pause closed its fence and could not resolve it; it is not opened again for this intent.
  return { kind: mayBeOnItsWay ? "settle" : "give-up" };
}
