import { DatabaseError } from "@jarvis/db";
import { LedgerError } from "@jarvis/ledger";
import { OperatorError } from "@jarvis/operator-core";
import { SelfExtensionError } from "@jarvis/tools/ledger";
import { CommanderError } from "commander";
import { CommandError, exitCodes, type ExitCode } from "./outcome.ts";

/** How a command ends that did not come to its answer: requests that cannot be read end 2, broken worlds 3. */
export function codeOf(error: unknown): { exitCode: ExitCode; code: string } {
  if (error instanceof CommandError) return error;
  if (error instanceof CommanderError) {
    const isHelp = error.exitCode === 0;
    return { exitCode: isHelp ? exitCodes.done : exitCodes.unreadable, code: error.code };
  }
  if (error instanceof OperatorError) {
    const { code } = error;
    if (code === "reason-required") return { exitCode: exitCodes.unreadable, code };
    const isRefusal = code === "token-refused" || code === "unknown-proposal";
    return { exitCode: isRefusal ? exitCodes.refused : exitCodes.unavailable, code };
  }
  if (error instanceof DatabaseError || error instanceof SelfExtensionError) {
    const isRequest = error.code === "database-url-invalid" || error.code === "invalid-config";
    return { exitCode: isRequest ? exitCodes.unreadable : exitCodes.unavailable, code: error.code };
  }
  if (error instanceof LedgerError) return { exitCode: exitCodes.unavailable, code: error.code };
  return { exitCode: exitCodes.unavailable, code: "internal" };
}
