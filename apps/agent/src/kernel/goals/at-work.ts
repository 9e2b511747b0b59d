/** The attempts that this kernel's author is at work on, known before the database knows of them. */
export class AtWork {
  readonly #jobs = new Set<{ readonly goalId: string }>();

  async during<T>(goalId: string, work: () => Promise<T>): Promise<T> {
    const job = { goalId };
    this.#jobs.add(job);
    try {
      return await work();
    } finally {
      this.#jobs.delete(job);
    }
  }

  isOn(goalId: string): boolean {
    return [...this.#jobs].some((job) => job.goalId === goalId);
  }
}
