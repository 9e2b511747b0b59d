/** Below it, a key is a word that texts may hold for other reasons. */
const SHORTEST = 6;

/**
 * JSON in which the key does not stand: a host may repeat it, as in "no such key: …", and what a model
 * says goes on into conversations, reports and the ledger. Whatever it looks like, which no pattern of
 * secrets knows.
 */
export function withoutKey<T>(value: T, key: string | null): T {
  if (key === null || key.length < SHORTEST) return value;
  const written = JSON.stringify(key).slice(1, -1);
  const text = JSON.stringify(value);
  if (!text.includes(written)) return value;
  return JSON.parse(text.replaceAll(written, "[the model's key]")) as T;
}
