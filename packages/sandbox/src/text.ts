/**
 * Text that came from a program, made fit for a one-line message: no control characters (a
 * terminal would obey them), and only the last `maxCharacters`, where the reason stands.
 */
export function tailOf(text: string, maxCharacters: number): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return line.length > maxCharacters ? `…${line.slice(-maxCharacters)}` : line;
}

/** The message of anything thrown, and its system error code where it has one. */
export function reasonOf(error: unknown): string {
  return tailOf(error instanceof Error ? error.message : String(error), 400);
}

/** The errno name of a failed system call, such as "ENOENT". */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
