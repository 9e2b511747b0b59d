/** What is kept of an attempt for people. Its texts are those of models and candidates. */
export interface AttemptReport {
  readonly reason: string;
  readonly blockReasons: readonly string[];
  readonly stage: string | null;
  readonly failingTests: readonly string[];
  readonly tail: string;
  /** What the author meant to do, and what it did. */
  readonly plan: readonly string[];
  readonly tried: readonly string[];
}

/** The report of an attempt; null where there is none that can be read. */
export function readReport(text: string | null): AttemptReport | null {
  if (text === null) return null;
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null) return null;
  const given = found as Record<string, unknown>;
  return {
    reason: asText(given["reason"]) ?? "",
    blockReasons: asTexts(given["blockReasons"]),
    stage: asText(given["stage"]),
    failingTests: asTexts(given["failingTests"]),
    tail: asText(given["tail"]) ?? "",
    plan: asTexts(given["plan"]),
    tried: asTexts(given["tried"]),
  };
}

function asText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function asTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
