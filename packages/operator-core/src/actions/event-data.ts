import { redactSecrets } from "../redaction.ts";

/*
 * What a ledger row can hold: no secrets, nothing that PostgreSQL refuses in JSON, nothing over the
 * row's limit. Results and parameters come from anywhere, and an event that could not be recorded
 * would be lost, so data is mended and cut here, and says so.
 */

// JSON as PostgreSQL prints it has a space after each comma and colon: at most twice as long.
const limitBytes = 8_000;
const textUnits = [4_000, 400] as const;
const listItems = 100;

export type EventData = Record<string, unknown>;

/** Redaction comes first: half a secret, left by a cut, would no longer be recognised. */
export function fitEventData(data: EventData): EventData {
  const redacted = redactSecrets(asJson(data)).value;
  for (const [round, units] of textUnits.entries()) {
    const mended = mend(redacted, units);
    const fitted = round === 0 ? mended : { ...mended, truncated: true };
    if (jsonBytes(fitted) <= limitBytes) return fitted;
  }
  return { ...outline(redacted), truncated: true };
}

// A result may be anything a program can return; what has no JSON is named as such.
function asJson(data: EventData): EventData {
  try {
    return JSON.parse(JSON.stringify(data)) as EventData;
  } catch {
    return Object.fromEntries(
      Object.entries(data).map(([name, value]) => [
        name,
        typeof value === "object" && value !== null ? "[not JSON]" : String(value),
      ]),
    );
  }
}

function mend(value: unknown, units: number): EventData {
  return mendValue(value, units) as EventData;
}

function mendValue(value: unknown, units: number): unknown {
  if (typeof value === "string") return clip(value, units);
  if (typeof value === "number") return mendNumber(value);
  if (Array.isArray(value)) {
    const items = value.slice(0, listItems).map((item) => mendValue(item, units));
    return value.length <= listItems ? items : [...items, `[${value.length - listItems} more]`];
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [clip(name, units), mendValue(item, units)]),
  );
}

// PostgreSQL writes 1e300 out with all its zeros.
function mendNumber(value: number): number | string {
  const size = Math.abs(value);
  return size >= 1e21 || (size > 0 && size < 1e-6) ? String(value) : value;
}

// The first fields, and only what is no structure: 20 * (40 + 80) units of at most 6 bytes fit.
function outline(value: unknown): EventData {
  const entries = Object.entries(value as EventData).slice(0, 20);
  return Object.fromEntries(
    entries.map(([name, item]) => [
      clip(name, 40),
      typeof item === "object" && item !== null ? "[too long]" : mendValue(item, 80),
    ]),
  );
}

/** Well-formed and at most `units` long, cut between characters. */
export function clip(text: string, units: number): string {
  // With the u flag a pair is one character, so only halves match.
  const whole = text.replaceAll(/[\u0000\p{Surrogate}]/gu, "\u{fffd}");
  if (whole.length <= units) return whole;
  let kept = "";
  for (const character of whole) {
    if (kept.length + character.length > units - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
