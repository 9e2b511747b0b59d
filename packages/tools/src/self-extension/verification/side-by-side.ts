/**
 * Does every piece of work, begun in the given order, at most `limit` at a time; the results come in
 * that order. Where one throws, no further one is begun, those under way are waited for (nothing may
 * go on running in a directory that the caller is about to remove), and the first error is thrown.
 */
export async function sideBySide<T>(
  works: readonly (() => Promise<T>)[],
  limit: number,
): Promise<T[]> {
  const results = new Map<number, T>();
  const errors: unknown[] = [];
  const waiting = works.entries();
  const takeTurns = async (): Promise<void> => {
    // One iterator for all: what one has taken no other gets.
    for (const [index, work] of waiting) {
      if (errors.length > 0) return;
      try {
        results.set(index, await work());
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, limit) }, takeTurns));
  if (errors.length > 0) throw errors[0];
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}
