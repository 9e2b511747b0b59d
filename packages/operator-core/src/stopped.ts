/** One thing that the kill switch ended, for people: nothing is decided by it. */
export interface Stopped {
  readonly kind: "action" | "sandbox" | "body" | "process";
  /** What it was: an action's name, the stage of a run, a program. */
  readonly name: string;
  /** The proposal of an action, the process of a program; null for a sandbox. */
  readonly id: number | null;
  /** The run that it worked for; null where it worked for none, or nobody can say. */
  readonly runId: string | null;
  /** Whether it had begun. */
  readonly was: "pending" | "running";
}

/** What a kill switch answers. */
export interface KillAnswer {
  /** How many actions were cancelled, and actions and processes ended. */
  readonly cancelledCount: number;
  /** What they were, `STOPPED_TOLD` at most. */
  readonly stopped: readonly Stopped[];
}

/** So many are named; how many there were is always said. */
export const STOPPED_TOLD = 500;
