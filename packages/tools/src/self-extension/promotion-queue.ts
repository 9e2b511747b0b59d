/**
 * Verified changes are promoted one by one, in the order in which they were ready for the first
 * time. The first in line that has to be verified again, because the base moved, keeps its place, and
 * the others wait: whatever landed meanwhile would make it wait once more, and be verified for
 * nothing itself. So nobody is verified more than twice because of others in the line.
 * In memory: after a restart everybody is ready anew.
 */
export class PromotionQueue {
  /** Runs in the order of their readiness, with how to begin for those that wait for their turn. */
  readonly #places = new Map<string, (() => void) | null>();
  #isTaken = false;

  /** Waits for the run's turn and does the work in it. `comesAgain`: it keeps its place. */
  async turn<T>(
    runId: string,
    work: () => Promise<T>,
    comesAgain: (result: T) => boolean,
  ): Promise<T> {
    await new Promise<void>((resolve) => {
      // Setting a key again leaves it where it is.
      this.#places.set(runId, resolve);
      this.#next();
    });
    let keepsPlace = false;
    try {
      const result = await work();
      keepsPlace = comesAgain(result);
      return result;
    } finally {
      this.#isTaken = false;
      if (keepsPlace) this.#places.set(runId, null);
      else this.#places.delete(runId);
      this.#next();
    }
  }

  /** The run does not come again: nobody waits for it. */
  leave(runId: string): void {
    this.#places.delete(runId);
    this.#next();
  }

  #next(): void {
    if (this.#isTaken) return;
    const [begin] = this.#places.values();
    // The first in line may still be verified.
    if (begin == null) return;
    this.#isTaken = true;
    begin();
  }
}
