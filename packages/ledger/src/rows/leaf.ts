import { canonicalJson, canonicalObject } from "./canonical-json.ts";
import { hasExactNumbers } from "./exact-numbers.ts";

/** The tables whose rows are leaves, by the number that the leaf table keeps of them. */
export const sealedLedgers = {
  self_extension_events: 1,
  action_audit_log: 2,
  ledger_records: 3,
} as const;

export type SealedLedger = keyof typeof sealedLedgers;

export const sealedLedgerNames = Object.keys(sealedLedgers) as SealedLedger[];

export function ledgerOfNumber(number: number): SealedLedger | null {
  return sealedLedgerNames.find((name) => sealedLedgers[name] === number) ?? null;
}

/** Hashing these takes some milliseconds: whoever else works in this process goes on in between. */
export const LEAVES_AT_ONCE = 200;

/** Deeper JSON would exhaust the stack of whoever writes it canonically. */
const DEPTH_LIMIT = 64;

/**
 * A row as it becomes the content of a leaf: by what its JSON says, or, where a double cannot say that
 * exactly or it is nested too deeply, by a text. `readExactTexts` has that one; for the other, any JSON
 * text of the row does.
 */
export interface RowText {
  readonly json: string;
  readonly form: "canonical" | "text";
}

/** The form of a row by its `row_to_json`. */
export function formOf(rowJson: string): RowText["form"] {
  return hasExactNumbers(rowJson) && depthOf(rowJson) <= DEPTH_LIMIT ? "canonical" : "text";
}

/**
 * The content of a leaf: the whole row in the canonical form of RFC 8785. Every column is in it, those
 * of later versions too. Columns that are null are left out: adding a column leaves the leaves of older
 * rows as they are.
 */
export function leafContent(ledger: SealedLedger, { json, form }: RowText): string {
  if (form === "text") return canonicalJson({ ledger, rowText: json });
  const columns = JSON.parse(json) as Readonly<Record<string, unknown>>;
  return `{"ledger":"${ledger}","row":${canonicalObject(columns, isThere)}}`;
}

const isThere = (value: unknown): boolean => value !== null;

/** How deeply arrays and objects are nested; brackets in strings do not count. */
function depthOf(json: string): number {
  // Nearly every row opens fewer brackets than that in all.
  let opening = 0;
  for (let at = -1; (at = json.indexOf("{", at + 1)) >= 0;) opening += 1;
  for (let at = -1; (at = json.indexOf("[", at + 1)) >= 0;) opening += 1;
  if (opening <= DEPTH_LIMIT) return opening;
  let depth = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, (depth += 1));
    else if (token === "}" || token === "]") depth -= 1;
  }
  return deepest;
}
