/** A piece of a text: as it is, or the name of a character that would show nothing or mislead. */
export interface Piece {
  readonly text: string;
  readonly isHidden: boolean;
}

/*
 * Control characters but tab and line feed; direction marks, which reorder what is read; spaces of no
 * width, fillers and tags, which hide text in text; and half characters.
 */
const hidden =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]|\u115f|\u1160|\u3164|\uffa0|\u034f|\u17b4|\u17b5/gu;

/** Cuts a text of a candidate into what is shown as it is and what is named instead. */
export function reveal(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(hidden)) {
    if (match[0] === "\t" || match[0] === "\n") continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), isHidden: false });
    pieces.push({ text: nameOf(match[0]), isHidden: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isHidden: false });
  return pieces;
}

function nameOf(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `U+${code}`;
}
