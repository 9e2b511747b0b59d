/** One thing after another; a turn that fails does not keep the next from its own. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;

  /** No turn begins any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      if (this.#isOver) throw new Error("the kernel is stopping");
      return await work();
    });
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  close(): void {
    this.#isOver = true;
  }

  /** Resolves when the turn under way has ended. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
