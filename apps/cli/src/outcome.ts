/** How a command ends; the numbers are a contract (docs/cli.md, "Exit codes"). */
export const exitCodes = { done: 0, refused: 1, unreadable: 2, unavailable: 3 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends a command with a sentence for the person and a code for the script. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;
  readonly code: string;

  constructor(exitCode: ExitCode, code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** The kernel ended and has said why on standard error itself. */
export class KernelEnded extends CommandError {}

/** How a command ends that did not come to its answer; `message` where the error's own is not for people. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly message?: string;
}

/** `head` and a closed pager are an end, not an error: what is left is for nobody. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

/** What a command answers: one JSON document for programs, lines for people. */
export interface Answer {
  readonly json: unknown;
  readonly text: string;
  readonly exitCode?: ExitCode;
}
