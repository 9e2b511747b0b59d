import { isHostReason, type RunState } from "@jarvis/tools/self-extension";

/** A promotion that hangs so long does not hold up the ones behind it any more. */
const PATIENCE_MS = 120_000;
/** From the first failed look to the next ones: 2 s, 4 s, ... up to about 4 minutes. */
const LONGEST_EXPONENT = 8;

/**
 * The runs that wait for the repository host. While it is away nobody is begun and nothing is written:
 * one look at it, less and less often, stands for all of them. When it answers again they go on one
 * after another, in the order in which they were ready, each after the one before has landed or has
 * found out that it cannot.
 */
export class HostLine {
  readonly #answers: () => Promise<boolean>;
  readonly #now: () => number;
  #failures = 0;
  #lookAgainAt = 0;
  /** The look that is under way, or has just ended well; nobody waits for it. */
  #look: "none" | "under-way" | "answered" = "none";
  #begun: { readonly runId: string; readonly attempt: number; readonly at: number } | null = null;

  constructor(answers: () => Promise<boolean>, now: () => number = () => performance.now()) {
    this.#answers = answers;
    this.#now = now;
  }

  /**
   * Which of these runs has its turn, of all that are open and may otherwise go on; null for none
   * now. To be asked again every while: a look at the host is begun here and not waited for.
   * Runs that wait for something else are no business of this line.
   */
  turn(open: readonly RunState[], due: (run: RunState) => boolean): string | null {
    if (this.#isBusy(open)) return null;
    const first = open
      .filter((run) => waitsForHost(run) && due(run))
      .toSorted((a, b) => (readiness(a) < readiness(b) ? -1 : 1))[0];
    if (first === undefined) return null;
    if (this.#look !== "answered") {
      if (this.#look === "none" && this.#now() >= this.#lookAgainAt) void this.#lookAtHost();
      return null;
    }
    this.#look = "none";
    this.#begun = { runId: first.runId, attempt: first.attempt, at: this.#now() };
    return first.runId;
  }

  /** A host that hangs must not keep anything else from going on. */
  async #lookAtHost(): Promise<void> {
    this.#look = "under-way";
    const isThere = await this.#answers().catch(() => false);
    this.#look = isThere ? "answered" : "none";
    this.#failures = isThere ? 0 : this.#failures + 1;
    const waitMs = isThere ? 0 : 1000 * 2 ** Math.min(this.#failures, LONGEST_EXPONENT);
    this.#lookAgainAt = this.#now() + waitMs;
  }

  /** Whether the run that was begun last still is where it was then. */
  #isBusy(open: readonly RunState[]): boolean {
    const begun = this.#begun;
    if (begun === null || this.#now() - begun.at > PATIENCE_MS) return false;
    const run = open.find(({ runId }) => runId === begun.runId);
    return run !== undefined && (run.status !== "parked" || run.attempt === begun.attempt);
  }
}

export function waitsForHost(run: RunState): boolean {
  return run.status === "parked" && run.blockReasons.some(isHostReason);
}

/** Run ids are in the order of time, so that what was never ready comes as it was proposed. */
function readiness(run: RunState): string {
  return `${run.readyAt ?? "~"} ${run.runId}`;
}
