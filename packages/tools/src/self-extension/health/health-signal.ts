import type { Instant, Suspension } from "./window-state.ts";

/**
 * What the kernel saw. Everything is counted and measured at its end; the one thing that the body
 * says about itself, `self-report`, can only make the verdict worse.
 */
export type HealthSignal = { readonly at: Instant } & (
  | { readonly kind: "tick" }
  /** The process answered for the first time. */
  | { readonly kind: "started" }
  | { readonly kind: "heartbeat" }
  /**
   * A question that the kernel asked and knows the answer to. `refused`: policy said no, which is
   * neither an error nor an exposure. `late`: no answer within the caller's limit; `latencyMs` is
   * then the limit. It is null where the kernel itself was kept waiting: nobody knows the time then.
   */
  | {
      readonly kind: "tool-call";
      readonly outcome: "right" | "wrong" | "late" | "refused";
      readonly latencyMs: number | null;
    }
  | { readonly kind: "cycle"; readonly outcome: "completed" | "error" | "refused" }
  /** Resident memory of all processes of the body. */
  | { readonly kind: "memory"; readonly bytes: number }
  /** It ended without being told to; another process of the same release is begun. */
  | { readonly kind: "exited" }
  | { readonly kind: "self-report"; readonly status: "well" | "unwell" }
  | { readonly kind: "suspended"; readonly suspension: Suspension }
  /** A new body is begun after a suspension. */
  | { readonly kind: "resumed" }
);
