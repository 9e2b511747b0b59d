import type { RunResult } from "@jarvis/tools/ledger";

export interface Row {
  readonly title: string;
  readonly result: RunResult;
  readonly durationMs: number;
  readonly problems: readonly string[];
}

/** The outcomes as a table for a terminal. */
export function describeTable(rows: readonly Row[]): string {
  const header = ["change", "outcome", "reasons", "pull request", "merge", "duration", "events"];
  const lines = rows.map(({ title, result, durationMs }) => [
    title,
    result.status,
    [
      ...result.blockReasons,
      ...(result.verificationFailedStage === null ? [] : [`in ${result.verificationFailedStage}`]),
    ].join(" ") || "-",
    result.pullRequestNumber === null ? "-" : `#${result.pullRequestNumber}`,
    result.mergeSha?.slice(0, 12) ?? "-",
    `${(durationMs / 1000).toFixed(1)} s`,
    String(result.eventIds.length),
  ]);
  const widths = header.map((name, column) =>
    Math.max(name.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const draw = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    draw(header),
    widths.map((width) => "-".repeat(width)).join("  "),
    ...lines.map(draw),
  ].join("\n");
}
