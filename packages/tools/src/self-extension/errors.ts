/** Why the pipeline could not go on. Closed: programs branch on it, never on the message. */
export type SelfExtensionErrorCode =
  | "forge-missing"
  | "git-failed"
  | "illegal-transition"
  | "invalid-config"
  | "invalid-proposal"
  | "malformed-event"
  | "journal-broken"
  | "blessing-refused"
  | "dependencies-failed"
  | "workspace-mismatch"
  | "evidence-mismatch"
  | "github-unexpected"
  | "run-unknown"
  | "scratch-refused"
  | "parser-failed"
  | "disk-low";

/** A bug or a broken world. What is expected to happen (blocked, refused) is a value instead. */
export class SelfExtensionError extends Error {
  override readonly name = "SelfExtensionError";
  readonly code: SelfExtensionErrorCode;

  constructor(code: SelfExtensionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
