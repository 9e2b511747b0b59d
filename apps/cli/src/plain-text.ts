/*
 * Control characters, which could move the cursor or recolour the terminal; direction marks, which
 * reorder what is read; what has no width and hides text in text; and half characters.
 */
const hidden =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]|\u034f|\u115f|\u1160|\u17b4|\u17b5|\u3164|\uffa0/gu;

/** Somebody else's text as one line, so that it cannot pose as the next line of ours. */
export function plain(text: string): string {
  return text.replaceAll(/\r\n|[\n\t]/g, " ").replaceAll(hidden, "?");
}

/** The same with its lines, each of which begins behind ours. */
export function plainLines(text: string, indent: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.replaceAll("\t", "    "));
  return lines.map((line) => line.replaceAll(hidden, "?")).join(`\n${indent}`);
}
