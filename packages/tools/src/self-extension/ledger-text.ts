import { redactSecrets } from "@jarvis/operator-core";

/**
 * What the ledger can hold: PostgreSQL refuses NUL and half surrogate pairs in JSON, and the table
 * refuses payloads over its limit. Text from patches, runners and git is none of that by itself, and
 * a fact that cannot be recorded would be lost, so it is mended here instead.
 */

/** Bytes a text may take as JSON, and its UTF-16 units; both are kept. */
interface TextLimit {
  readonly bytes: number;
  readonly units: number;
}

// Together below 16 kB for every type: the worst case of each is a test.
const textLimits: Readonly<Record<string, TextLimit>> = {
  title: { bytes: 800, units: 200 },
  goal: { bytes: 4000, units: 2000 },
  detail: { bytes: 8000, units: 4000 },
  reason: { bytes: 3000, units: 2000 },
  updatedBy: { bytes: 800, units: 200 },
};
const PATHS_BYTES = 6000;
const MAX_PATHS = 200;
const MAX_STAGES = 40;
const STAGE_NAME: TextLimit = { bytes: 60, units: 60 };
const STAGE_REASONS_BYTES = 3000;

/**
 * A payload without secrets and of a size that fits. Redaction comes first: half a secret, left by
 * a cut, would no longer be recognised. What is of the wrong shape stays so, for the schema to refuse.
 */
export function fitPayload(payload: unknown): unknown {
  const redacted = redactSecrets(payload).value;
  if (typeof redacted !== "object" || redacted === null) return redacted;
  const fitted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(redacted)) {
    const limit = textLimits[key];
    if (typeof value === "string") {
      fitted[key] = limit === undefined ? wellFormed(value) : clipText(value, limit);
    } else if (key === "changedPaths" && Array.isArray(value)) {
      fitted[key] = fitPaths(value);
    } else if (key === "stages" && Array.isArray(value)) {
      fitted[key] = fitStages(value);
    } else {
      fitted[key] = value;
    }
  }
  return fitted;
}

/** An identifier or name from outside: redacted, well-formed, at most 200 characters. */
export function fitName<T extends string | null>(name: T): T {
  if (name === null) return name;
  return clipText(String(redactSecrets(name).value), { bytes: 1200, units: 200 }) as T;
}

/** A reason in a person's words, for a switch. */
export function fitReason(reason: string): string {
  return clipText(String(redactSecrets(reason).value), { bytes: 3000, units: 2000 });
}

/** Cuts between characters, never inside one, and says so with an ellipsis. */
export function clipText(text: string, limit: TextLimit): string {
  const whole = wellFormed(text);
  if (whole.length <= limit.units && jsonBytes(whole) <= limit.bytes) return whole;
  let bytes = jsonBytes("…");
  let units = 1;
  let kept = "";
  for (const character of whole) {
    // The two quotes are the whole text's.
    bytes += jsonBytes(character) - 2;
    units += character.length;
    if (bytes > limit.bytes || units > limit.units) break;
    kept += character;
  }
  return `${kept}…`;
}

/** The first paths, as many as fit; the tree itself says the rest. */
function fitPaths(paths: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  let bytes = 0;
  for (const path of paths.slice(0, MAX_PATHS)) {
    const text = typeof path === "string" ? wellFormed(path) : path;
    bytes += jsonBytes(text) + 2;
    if (bytes > PATHS_BYTES) break;
    kept.push(text);
  }
  return kept;
}

/** The first stages and the one that ended the run; the evidence holds them all, in full. */
function fitStages(stages: readonly unknown[]): unknown[] {
  const reason = { bytes: Math.floor(STAGE_REASONS_BYTES / MAX_STAGES), units: 2000 };
  const budget = stages.length <= 4 ? { ...reason, bytes: 700 } : reason;
  return stages.slice(0, MAX_STAGES).map((stage): unknown => {
    if (typeof stage !== "object" || stage === null) return stage;
    return Object.fromEntries(
      Object.entries(stage).map(([key, value]) => {
        if (typeof value !== "string") return [key, value];
        return [key, clipText(value, key === "reason" ? budget : STAGE_NAME)];
      }),
    );
  });
}

function wellFormed(text: string): string {
  // With the u flag a pair is one character, so only halves match.
  return text.replaceAll(/[\u0000\p{Surrogate}]/gu, "\u{fffd}");
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? "");
}
