import { CommandError, exitCodes } from "../outcome.ts";

/** Ends a command of the design that this version does not have, so that no script takes it for done. */
export function notYet(what: string, instead: string): never {
  throw new CommandError(
    exitCodes.refused,
    "not-in-this-version",
    `This version has no ${what}; ${instead}.`,
  );
}
