/**
 * RFC 8785 of a value that `JSON.parse` made: no cycles, no `undefined`, no `toJSON`, finite numbers.
 * Half of the time of a verification is spent here, and this takes half of what the general package
 * takes; a test holds the two against each other.
 */
export function canonicalJson(value: unknown): string {
  // JSON.stringify writes numbers and strings as RFC 8785 wants them.
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) {
    let items = "";
    for (const item of value) items += `${items === "" ? "" : ","}${canonicalJson(item)}`;
    return `[${items}]`;
  }
  const found = value as Readonly<Record<string, unknown>>;
  let members = "";
  // By UTF-16 code units, which is what sort does.
  for (const key of Object.keys(found).sort()) {
    members += `${members === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(found[key])}`;
  }
  return `{${members}}`;
}
