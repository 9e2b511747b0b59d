/**
 * Why the forge cannot do its work. Refusals that a client is meant to see are a {@link Problem};
 * this is for a broken world.
 */
export type ForgeErrorCode =
  | "git-failed"
  | "git-too-old"
  | "ref-conflict"
  | "directory-in-use"
  | "directory-unusable"
  | "seed-unusable"
  | "state-malformed"
  | "invalid-key"
  | "no-free-port";

export class ForgeError extends Error {
  readonly code: ForgeErrorCode;

  constructor(code: ForgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ForgeError";
    this.code = code;
  }
}
