import { DatabaseError, queryFailure } from "@jarvis/db";
import { LedgerError } from "@jarvis/ledger";
import { OperatorError } from "@jarvis/operator-core";
import { SelfExtensionError } from "@jarvis/tools/ledger";
import { exitCodes, type Failure } from "./outcome.ts";

/** What an error of a package's means for a command. Loaded for it, since it knows every package. */
export function failureOfPackages(error: unknown): Failure {
  if (error instanceof OperatorError) {
    const { code } = error;
    if (code === "reason-required" || code === "token-name-invalid")
      return { exitCode: exitCodes.unreadable, code };
    const isRefusal = code === "token-refused" || code === "unknown-proposal";
    return { exitCode: isRefusal ? exitCodes.refused : exitCodes.unavailable, code };
  }
  if (error instanceof DatabaseError || error instanceof SelfExtensionError) {
    const isRequest = error.code === "database-url-invalid" || error.code === "invalid-config";
    return { exitCode: isRequest ? exitCodes.unreadable : exitCodes.unavailable, code: error.code };
  }
  if (error instanceof LedgerError) return { exitCode: exitCodes.unavailable, code: error.code };
  const message = queryFailure(error);
  return {
    exitCode: exitCodes.unavailable,
    code: "internal",
    ...(message === null ? {} : { message }),
  };
}
