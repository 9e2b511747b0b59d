import type { Mirror } from "./mirror.ts";

const FULL_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Answers about what full ids name, which never change: those that were asked for last, of every
 * mirror. A question with another name is asked anew each time, and one that failed too.
 */
export class KeptAnswers<T> {
  readonly #limit: number;
  readonly #isSmall: (answer: T) => boolean;
  readonly #answers = new Map<string, Promise<T>>();

  /** An answer that is not small is handed on and not kept. */
  constructor(limit: number, isSmall: (answer: T) => boolean = () => true) {
    this.#limit = limit;
    this.#isSmall = isSmall;
  }

  /** @param about What the question says besides the ids. */
  async of(mirror: Mirror, ids: readonly string[], ask: () => Promise<T>, about = ""): Promise<T> {
    if (!ids.every((id) => FULL_ID.test(id))) return await ask();
    const key = [mirror.gitDir, ...ids, about].join("\0");
    const asked = this.#answers.get(key) ?? ask();
    this.#answers.delete(key);
    this.#answers.set(key, asked);
    for (const oldest of [...this.#answers.keys()].slice(0, -this.#limit)) {
      this.#answers.delete(oldest);
    }
    try {
      const answer = await asked;
      if (!this.#isSmall(answer)) this.#answers.delete(key);
      return answer;
    } catch (error) {
      this.#answers.delete(key);
      throw error;
    }
  }
}
