/**
 * What was started, and how each of it is stopped: in reverse order, so that nothing runs on what is
 * gone. By whoever ends the whole, or could not start all of it.
 */
export class Started {
  readonly #stops: (() => unknown)[] = [];

  /** To be called as soon as there is something to stop, before anything else can fail. */
  add(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  /** Stops everything once; what cannot be stopped does not keep the rest running. */
  async stop(): Promise<void> {
    const failures: unknown[] = [];
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 0) return;
    const [first] = failures;
    const why = first instanceof Error ? first.message : "unknown problem";
    throw new Error(`The kernel could not stop in order: ${why}`, { cause: first });
  }
}
