import { InvalidArgumentError } from "commander";
import { CommandError, exitCodes } from "../outcome.ts";

// What arguments and flags may be; anything else ends the command with 2 before anything is done.

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 500) {
    throw new InvalidArgumentError("expected a whole number from 1 to 500");
  }
  return value;
}

export function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("expected a port number from 0 to 65535");
}

export function reasonGiven(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("expected a reason that others can read");
  return text;
}

export function actionId(text: string): number {
  const value = Number(text);
  if (!/^[1-9]\d{0,15}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError("expected a whole number from 1");
  }
  return value;
}

/** One of a closed set of words. `expected` says them as a sentence does. */
export function oneOf<T extends string>(
  words: readonly T[],
  expected: string = words.join(", "),
): (text: string) => T {
  return (text) => {
    const word = words.find((known) => known === text);
    if (word === undefined) throw new InvalidArgumentError(`expected ${expected}`);
    return word;
  };
}

/** What one of the words that a command takes has no use for is a mistake, and not dropped. */
export function noMore(command: string, given: string | undefined): void {
  if (given === undefined) return;
  throw unreadable(`\`jarvis ${command}\` takes no more words, got ${JSON.stringify(given)}.`);
}

/** What is missing only for one of the words that a command takes, which a flag alone cannot say. */
export function unreadable(sentence: string): CommandError {
  return new CommandError(exitCodes.unreadable, "invalid-argument", sentence);
}
