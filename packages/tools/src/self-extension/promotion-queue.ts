/**
 * Verified changes are promoted one by one, in the order in which they were ready for the first
 * time. The first in line that has to be verified again, because the base moved, keeps its place, and
 * the others wait: whatever landed meanwhile would make it wait once more, and be verified for
 * nothing itself. So nobody is verified more than twice because of others in the line.
 * In memory: after a restart everybody is ready anew.
 *
 * An attempt of a run may come before the one before it has quite ended: what parked that one is on
 * record, and was lifted. So a place is a turn's, and only one that nobody waits at is the run's.
 */
export class PromotionQueue {
  /** In the order of their readiness. */
  #places: Place[] = [];
  #current: Place | null = null;

  /** Waits for the run's turn and does the work in it. `comesAgain`: it keeps its place. */
  async turn<T>(
    runId: string,
    work: () => Promise<T>,
    comesAgain: (result: T) => boolean,
  ): Promise<T> {
    const place = this.#kept(runId) ?? this.#append(runId);
    await new Promise<void>((resolve) => {
      place.begin = resolve;
      this.#next();
    });
    let keepsPlace = false;
    try {
      const result = await work();
      keepsPlace = comesAgain(result);
      return result;
    } finally {
      this.#current = null;
      place.begin = null;
      if (!keepsPlace) this.#places = this.#places.filter((each) => each !== place);
      this.#next();
    }
  }

  /** The attempt does not come again: nobody waits for it. */
  leave(runId: string): void {
    const kept = this.#kept(runId);
    this.#places = this.#places.filter((each) => each !== kept);
    this.#next();
  }

  #kept(runId: string): Place | undefined {
    return this.#places.find((place) => place.runId === runId && place.begin === null);
  }

  #append(runId: string): Place {
    const place: Place = { runId, begin: null };
    this.#places.push(place);
    return place;
  }

  #next(): void {
    const [first] = this.#places;
    // The first in line may still be verified.
    if (this.#current !== null || first?.begin == null) return;
    this.#current = first;
    first.begin();
  }
}

interface Place {
  readonly runId: string;
  /** Begins the turn that waits here, or has begun it; null while the run is verified again. */
  begin: (() => void) | null;
}
