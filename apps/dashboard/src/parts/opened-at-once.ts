/** So many lines of a patch are drawn before anybody asks: the page of a larger one would stand still. */
export const LINES_AT_ONCE = 5000;

/**
 * Which files of a patch are open at first: from the front, as far as their lines go. The others are
 * named with what they change, and drawn when they are opened.
 */
export function openedAtOnce(
  files: readonly { readonly lines: readonly unknown[] }[],
  limit = LINES_AT_ONCE,
): boolean[] {
  let sum = 0;
  return files.map(({ lines }) => (sum += lines.length) <= limit);
}
