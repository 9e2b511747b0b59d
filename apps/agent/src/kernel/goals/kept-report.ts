import { redactSecrets } from "@jarvis/operator-core";
import { attemptReport, type AttemptReport, type Tried } from "../../author/diagnostics.ts";

/** What the database takes is 32 kB. */
const REPORT_BYTES = 24_000;

export const nothingTried: Tried = { plan: [], tried: [] };

export const emptyReport: AttemptReport = {
  reason: "",
  blockReasons: [],
  stage: null,
  category: null,
  failingTests: [],
  tail: "",
  ...nothingTried,
};

/** The reason of an attempt whose run goes on. */
export const HANDED_IN = "It was handed in.";

/** A report as it is kept: without secrets, and with the least of it left out that is too much. */
export function keptReport(report: AttemptReport): string {
  const clean = attemptReport.parse(redactSecrets(report).value);
  const reason = clean.reason.slice(0, 4_000);
  const ways = [
    clean,
    { ...clean, tail: clean.tail.slice(-2_000) },
    { ...clean, tail: "" },
    { ...clean, tail: "", ...nothingTried },
  ];
  const texts = ways.map((way) => JSON.stringify({ ...way, reason }));
  return (
    texts.find((text) => Buffer.byteLength(text) <= REPORT_BYTES) ??
    JSON.stringify({ ...emptyReport, reason: reason.slice(0, 1_000) })
  );
}

/** A report as it was kept; null where there is none that can be read. */
export function readReport(report: string | null): AttemptReport | null {
  if (report === null) return null;
  const parsed = attemptReport.safeParse(JSON.parse(report));
  return parsed.success ? parsed.data : null;
}
