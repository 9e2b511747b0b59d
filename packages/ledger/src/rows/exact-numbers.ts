/**
 * Whether every number of a JSON text, as PostgreSQL prints `jsonb`, is exactly what a double can
 * hold and prints. RFC 8785 knows doubles only: two rows that differ in the twentieth digit would
 * otherwise have one canonical form, and the change of one into the other would not be seen.
 */
export function hasExactNumbers(json: string): boolean {
  // Nearly every row: short integers and short fractions that do not end in a zero.
  if (!/\d{8}(?:\d{8}|\.)|\.(?:\d{8}|\d*0(?!\d))/.test(json)) return true;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)) {
    if (!token.startsWith('"') && expand(String(Number(token))) !== token) return false;
  }
  return true;
}

/** A number as JavaScript prints it, without an exponent. */
function expand(text: string): string {
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (found === null) return text;
  const [, sign = "", first = "", fraction = "", exponent = "0"] = found;
  const digits = first + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}${digits.length > point ? `.${digits.slice(point)}` : ""}`;
}
