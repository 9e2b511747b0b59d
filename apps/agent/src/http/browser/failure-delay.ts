import { setTimeout as sleep } from "node:timers/promises";

/** So many wrong secrets are anybody's mistakes. */
const FREE = 10;
const FIRST_MS = 100;
const LONGEST_MS = 5000;
/** After so long without a failure everything is forgiven. */
const FORGET_MS = 60_000;
/** So many answers wait at a time; the next is refused at once. */
const WAITING = 32;

/**
 * Makes guessing slow. Only answers that say no wait, so that nobody locks an operator out by guessing;
 * and all guessers share one count, since on loopback they cannot be told apart.
 */
export class FailureDelay {
  #failures = 0;
  #last = 0;
  #waiting = 0;

  /** Call before saying no. Answers false where too many wait already: then say 429. */
  async failed(): Promise<boolean> {
    const now = performance.now();
    if (now - this.#last > FORGET_MS) this.#failures = 0;
    this.#failures += 1;
    this.#last = now;
    if (this.#failures <= FREE) return true;
    if (this.#waiting >= WAITING) return false;
    this.#waiting += 1;
    await sleep(Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#failures - FREE - 1)));
    this.#waiting -= 1;
    return true;
  }
}

/** A login link that lets nobody in (any more). */
export class LinkNotValid extends Error {
  override readonly name = "LinkNotValid";
  constructor() {
    super("This link was used already or is too old; `jarvis login` prints a new one.");
  }
}

export class TooManyFailures extends Error {
  override readonly name = "TooManyFailures";
  constructor() {
    super("Too many wrong secrets were tried; wait a little.");
  }
}
