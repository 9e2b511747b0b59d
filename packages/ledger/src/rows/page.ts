/** As in RFC 7464: no JSON text holds this character. In SQL it is `chr(30)`. */
const RECORD_SEPARATOR = "\u001e";

/**
 * The records of a page: what `string_agg` made of them, null of none. Taking thousands of answered
 * values apart costs a client as much as hashing them; a text with all of them does not.
 */
export function recordsOf(page: string | null): string[] {
  return page === null ? [] : page.split(RECORD_SEPARATOR);
}
