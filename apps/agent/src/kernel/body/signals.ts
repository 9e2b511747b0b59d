import type { HealthSignal, Instant, Suspension } from "@jarvis/tools/self-extension";

/** Why a process of a body ended, or was ended, without being told to. Closed: programs branch on it. */
export type CrashReason =
  /** It ended by itself, with whatever exit code or signal. */
  | "exited"
  /** It said nothing within the limit for its start. */
  | "not-ready"
  /** It speaks another version of the channel's protocol. */
  | "wrong-protocol"
  /** It held more memory than it may. */
  | "memory"
  /** It sent what is no message, too much, or out of turn. */
  | "protocol-violation"
  | "heartbeat-lost"
  /** It left what it was sent unread. */
  | "not-reading"
  /** It could not be set up, or how it ended is not known. */
  | "sandbox";

/** Of these, the last says that this machine cannot make a sandbox: no fault of the release. */
export type StartFailure = CrashReason | "sandbox-unavailable";

/** What was seen of a body, all of it from outside and in the order in which it was seen. */
export type BodySignal = { readonly at: Instant } & (
  | { readonly kind: "tick" }
  /** A process was begun and said that it is ready, after `startedInMs`. */
  | { readonly kind: "started"; readonly startedInMs: number }
  | { readonly kind: "start-failed"; readonly reason: StartFailure; readonly detail: string }
  | { readonly kind: "heartbeat"; readonly sequence: number }
  | { readonly kind: "heartbeat-late"; readonly silentMs: number }
  /** The kernel itself did not run for so long, so that silence proves nothing. */
  | { readonly kind: "observer-gap"; readonly gapMs: number }
  | { readonly kind: "memory"; readonly bytes: number }
  | {
      readonly kind: "tool-call";
      readonly tool: string;
      readonly outcome: "right" | "wrong" | "late" | "refused";
      /** Null where the kernel itself was kept waiting. */
      readonly latencyMs: number | null;
      /** Why it is not right: a sentence, with text of the body in it. */
      readonly detail: string | null;
    }
  /** One step of a goal: asked, decided, performed and answered. */
  | { readonly kind: "cycle"; readonly outcome: "completed" | "error" | "refused" }
  | { readonly kind: "protocol-violation"; readonly count: number; readonly detail: string }
  | { readonly kind: "exited"; readonly reason: CrashReason; readonly detail: string }
  /** It ended too often within too short a time; nothing is started any more. */
  | { readonly kind: "gave-up"; readonly crashes: number }
  | { readonly kind: "self-report"; readonly status: "unwell"; readonly detail: string }
  | { readonly kind: "suspended"; readonly suspension: Suspension }
  | { readonly kind: "resumed" }
);

export function now(): Instant {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/**
 * What a health window makes of a signal. A failed start counts as an end of its process; where no
 * sandbox can be made it is time that passes, in which nothing can be said for the release either.
 */
export function healthSignal(signal: BodySignal): HealthSignal {
  const { at } = signal;
  switch (signal.kind) {
    case "started":
    case "heartbeat":
    case "resumed":
      return { at, kind: signal.kind };
    case "start-failed":
      return { at, kind: signal.reason === "sandbox-unavailable" ? "tick" : "exited" };
    case "exited":
      return { at, kind: "exited" };
    case "memory":
      return { at, kind: "memory", bytes: signal.bytes };
    case "tool-call":
      return { at, kind: "tool-call", outcome: signal.outcome, latencyMs: signal.latencyMs };
    case "cycle":
      return { at, kind: "cycle", outcome: signal.outcome };
    case "self-report":
      return { at, kind: "self-report", status: signal.status };
    case "suspended":
      return { at, kind: "suspended", suspension: signal.suspension };
    case "tick":
    case "heartbeat-late":
    case "observer-gap":
    // A body is ended after some; that end is what counts.
    case "protocol-violation":
    case "gave-up":
      return { at, kind: "tick" };
  }
}
