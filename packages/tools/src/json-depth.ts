/**
 * Whether a parsed JSON document has a value more than `levels` steps below itself. Parsing goes as
 * deep as a text does, but comparing, printing and validating recurse, and a document that is made
 * for it ends them.
 */
export function isDeeperThan(document: unknown, levels: number): boolean {
  let level: readonly unknown[] = [document];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) return true;
    level = level.flatMap((value) =>
      typeof value === "object" && value !== null ? Object.values(value) : [],
    );
  }
  return false;
}
