import { canonicalJson } from "./canonical-json.ts";
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

/** Deeper JSON would exhaust the stack of whoever writes it canonically. */
const DEPTH_LIMIT = 64;

/**
 * The content of a leaf: the whole row in the canonical form of RFC 8785, as UTF-8.
 *
 * `rowJson` is `to_jsonb(row)::text`, so every column is in it, those of later versions too. Columns
 * that are null are left out: adding a column leaves the leaves of older rows as they are. A row
 * whose JSON a double cannot say exactly, or that is nested too deeply, is kept as its text.
 */
export function leafContent(ledger: SealedLedger, rowJson: string): Buffer {
  if (!hasExactNumbers(rowJson) || depthOf(rowJson) > DEPTH_LIMIT) {
    return Buffer.from(canonicalJson({ ledger, rowText: rowJson }));
  }
  const columns = JSON.parse(rowJson) as Readonly<Record<string, unknown>>;
  const row = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== null));
  return Buffer.from(canonicalJson({ ledger, row }));
}

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
