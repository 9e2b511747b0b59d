import { bareName, headerName, pathOf, sideName, type PatchNames } from "./patch-names.ts";

export interface PatchLine {
  readonly kind: "context" | "added" | "removed" | "hunk" | "note";
  readonly text: string;
  /** Numbers in the file before and after; null where the line is not there. */
  readonly before: number | null;
  readonly after: number | null;
}

export interface PatchFile {
  readonly path: string;
  readonly lines: readonly PatchLine[];
  readonly added: number;
  readonly removed: number;
}

interface Part {
  names: PatchNames;
  /** Within the lines that follow `diff --git`, where names still belong to it. */
  isHeader: boolean;
  readonly lines: PatchLine[];
}

/** What git takes for a header behind `diff --git`; any other line ends it. */
const header =
  /^(?:old mode|new mode|deleted file mode|new file mode|(?:rename|copy) (?:from|to|old|new)|(?:dis)?similarity index|index) /;
const move = /^(?:rename|copy) (from|old|to|new) (.*)$/;

/**
 * Cuts a git patch into files and lines, for people. It believes nothing: what is in no hunk is a note,
 * a hunk ends where its header says, and every part that git would apply is a file of its own, also
 * one that no `diff --git` announces.
 */
export function parsePatch(patch: string): PatchFile[] {
  const parts: Part[] = [];
  let left = { before: 0, after: 0 };
  let at = { before: 0, after: 0 };
  const begin = (names: PatchNames, isHeader: boolean): void => {
    parts.push({ names, isHeader, lines: [] });
    left = { before: 0, after: 0 };
  };
  const texts = patch.replace(/\n$/, "").split("\n");
  for (let index = 0; index < texts.length; index += 1) {
    const text = texts[index] ?? "";
    const current = parts.at(-1);
    const isInHunk = left.before > 0 || left.after > 0;
    // An empty line is one of context whose space somebody cut off.
    if (current !== undefined && isInHunk && /^(?:[ +-]|$)/.test(text)) {
      const [mark] = text;
      const isAdded = mark === "+";
      const isRemoved = mark === "-";
      current.lines.push({
        kind: isAdded ? "added" : isRemoved ? "removed" : "context",
        text: text.slice(1),
        before: isAdded ? null : at.before,
        after: isRemoved ? null : at.after,
      });
      if (!isAdded) {
        left = { ...left, before: left.before - 1 };
        at = { ...at, before: at.before + 1 };
      }
      if (!isRemoved) {
        left = { ...left, after: left.after - 1 };
        at = { ...at, after: at.after + 1 };
      }
      continue;
    }
    if (text.startsWith("diff --git ")) {
      begin({ header: headerName(text.slice(11)), before: null, after: null }, true);
      continue;
    }
    const next = texts[index + 1] ?? "";
    if (text.startsWith("--- ") && next.startsWith("+++ ")) {
      const sides = { before: sideName(text.slice(4)), after: sideName(next.slice(4)) };
      if (current?.isHeader === true) current.names = { ...current.names, ...sides };
      else begin({ header: "", ...sides }, false);
      index += 1;
      continue;
    }
    const [, end, name = ""] = move.exec(text) ?? [];
    if (current?.isHeader === true && end !== undefined) {
      const side = end === "from" || end === "old" ? "before" : "after";
      current.names = { ...current.names, [side]: bareName(name) };
    }
    if (current !== undefined) current.isHeader &&= header.test(text);
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text);
    if (hunk !== null && current !== undefined) {
      const [, before, beforeCount = "1", after, afterCount = "1"] = hunk;
      at = { before: Number(before), after: Number(after) };
      left = { before: Number(beforeCount), after: Number(afterCount) };
      current.lines.push({ kind: "hunk", text, before: null, after: null });
    } else if (text !== "" && !text.startsWith("index ")) {
      current?.lines.push({ kind: "note", text, before: null, after: null });
    }
  }
  return parts.map(({ names, lines }) => ({
    path: pathOf(names),
    lines,
    added: lines.filter(({ kind }) => kind === "added").length,
    removed: lines.filter(({ kind }) => kind === "removed").length,
  }));
}
