export type SandboxErrorCode =
  | "invalid-request"
  | "mount-point"
  | "not-a-directory"
  | "missing"
  | "unreadable"
  | "unsafe-name"
  | "symlink"
  | "special-file"
  | "hard-link"
  | "too-deep"
  | "too-many-files"
  | "too-many-bytes"
  | "changed-while-read";

/** A request that cannot be run, or a directory of candidate output that must not be believed. */
export class SandboxError extends Error {
  readonly code: SandboxErrorCode;

  constructor(code: SandboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SandboxError";
    this.code = code;
  }
}
