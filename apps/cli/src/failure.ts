import { CommanderError } from "commander";
import { CommandError, exitCodes, type Failure } from "./outcome.ts";

/** How a command ends that did not come to its answer: requests that cannot be read end 2, broken worlds 3. */
export async function failureOf(error: unknown): Promise<Failure> {
  if (error instanceof CommandError) return error;
  if (error instanceof CommanderError) {
    const isHelp = error.exitCode === 0;
    return { exitCode: isHelp ? exitCodes.done : exitCodes.unreadable, code: error.code };
  }
  const { failureOfPackages } = await import("./package-failure.ts");
  return failureOfPackages(error);
}
