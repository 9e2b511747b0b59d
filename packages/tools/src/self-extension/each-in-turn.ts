/**
 * Does the work for each, one after another and whatever becomes of the others; throws the first error
 * when all have had their turn.
 */
export async function eachInTurn<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
