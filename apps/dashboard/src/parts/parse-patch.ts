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

/**
 * Cuts a git patch into files and lines, for people. It believes nothing: what is in no hunk is a note,
 * and a hunk ends where its header says.
 */
export function parsePatch(patch: string): PatchFile[] {
  const files: { path: string; lines: PatchLine[] }[] = [];
  let left = { before: 0, after: 0 };
  let at = { before: 0, after: 0 };
  for (const text of patch.split("\n")) {
    const current = files.at(-1);
    const isInHunk = left.before > 0 || left.after > 0;
    if (current !== undefined && isInHunk && /^[ +-]/.test(text)) {
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
    const begin = /^diff --git a\/(.*) b\/(.*)$/.exec(text);
    if (begin !== null) {
      files.push({ path: begin[2] ?? "", lines: [] });
      left = { before: 0, after: 0 };
      continue;
    }
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text);
    if (hunk !== null && current !== undefined) {
      const [, before, beforeCount = "1", after, afterCount = "1"] = hunk;
      at = { before: Number(before), after: Number(after) };
      left = { before: Number(beforeCount), after: Number(afterCount) };
      current.lines.push({ kind: "hunk", text, before: null, after: null });
    } else if (text !== "" && !/^(index|---|\+\+\+) /.test(text)) {
      current?.lines.push({ kind: "note", text, before: null, after: null });
    }
  }
  return files.map((file) => ({
    ...file,
    added: file.lines.filter(({ kind }) => kind === "added").length,
    removed: file.lines.filter(({ kind }) => kind === "removed").length,
  }));
}
