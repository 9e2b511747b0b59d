/**
 * Text from goals, models and patches is hostile: on GitHub it could mention people, close issues,
 * run slash commands or pose as a trailer of ours.
 */

/**
 * One line that is inert in a commit message or a title: letters, digits, spaces and a few marks.
 * Without `@`, `#`, `:`, `/` and line breaks there are no mentions, no references, no trailers and no
 * commands; `GH-12`, the one reference without a mark, is taken apart.
 */
export function inertLine(text: string, maxLength = 72): string {
  const line = text
    .normalize("NFC")
    .replaceAll(/[^\p{L}\p{N} .,()'"_+-]/gu, " ")
    .replaceAll(/\bGH-(?=\d)/gi, "GH ")
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length <= maxLength ? line : `${cut(line, maxLength - 1).trimEnd()}…`;
}

/**
 * A Markdown code block in which GitHub renders text as it is. The fence is longer than any run of
 * backticks inside, so the text cannot end it; control characters other than newline and tab go.
 */
export function fencedBlock(text: string, maxLength = 4000): string {
  const clean = stripControls(text.length > maxLength ? `${cut(text, maxLength)}\n[cut]` : text);
  const longest = Math.max(2, ...(clean.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${clean}\n${fence}`;
}

/** True where text holds a character that shows a reader something other than what runs. */
export function hasHiddenControls(text: string): boolean {
  return HIDDEN.test(text);
}

/** The beginning of a text; never half of a surrogate pair, which no database takes. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, "");
}

function stripControls(text: string): string {
  return text.replaceAll(new RegExp(HIDDEN.source, "gu"), "\u{fffd}");
}

// C0 without tab, line feed and carriage return; DEL and C1; bidirectional embeddings, overrides,
// isolates and marks (CVE-2021-42574); line and paragraph separators; the tag block.
const HIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;
