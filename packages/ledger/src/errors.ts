/** Why the ledger could not be sealed, read or proved. A closed set: callers decide by it. */
export type LedgerErrorCode =
  | "ledger-mismatch"
  | "ledger-behind"
  | "key-missing"
  | "key-unsafe"
  | "malformed-note"
  | "malformed-bundle"
  | "event-unknown"
  | "not-sealed";

/** The one error class of this package; the message is a sentence for a person. */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
  readonly code: LedgerErrorCode;

  constructor(code: LedgerErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
