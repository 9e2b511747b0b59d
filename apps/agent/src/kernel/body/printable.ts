/**
 * Text of a body for one line of a log or a page: without what a terminal would obey, and no longer
 * than that.
 */
export function printable(text: string, maxCharacters: number): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, maxCharacters);
}
