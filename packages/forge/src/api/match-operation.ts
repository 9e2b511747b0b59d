import { Problem } from "../problem.ts";
import type { Method, Operation } from "./operation.ts";

// These may hold slashes, encoded or not: Octokit encodes them, people with curl do not.
const LONG_NAMES = new Set(["ref", "branch", "basehead", "path", "tree_sha"]);

// GitHub's words below a commit or a branch that are not served: no part of a name, unless encoded.
const NOT_SERVED =
  "check-runs|check-suites|comments|pulls|branches-where-head|rename|protection/\\w+(?:/\\w+)*";

export interface Match<O = Operation> {
  operation: O;
  /** Still percent-encoded. */
  encoded: Record<string, string>;
}

/** Finds the operation for a request; the first one in the list that fits. */
export function createMatcher<O extends { method: string; path: string }>(
  operations: readonly O[],
): (method: string, encodedPath: string) => Match<O> | undefined {
  const patterns = operations.map((operation) => ({
    operation,
    pattern: toPattern(operation.path),
  }));
  return (method, encodedPath) => {
    const wanted: string = method === "HEAD" ? ("GET" satisfies Method) : method;
    for (const { operation, pattern } of patterns) {
      const found = operation.method === wanted ? pattern.exec(encodedPath) : null;
      if (found !== null) return { operation, encoded: { ...found.groups } };
    }
    return undefined;
  };
}

function toPattern(path: string): RegExp {
  const source = path.replace(/\{(\w+)\}/gu, (_, name: string) =>
    LONG_NAMES.has(name) ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
  );
  const openEnded = /\/(?:commits\/\{ref\}|branches\/\{branch\})$/u.test(path);
  return new RegExp(`^${openEnded ? `(?!.*/(?:${NOT_SERVED})$)` : ""}${source}/?$`, "u");
}

/** @throws Problem 400 */
export function decodeParameters({ encoded }: Pick<Match, "encoded">): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(encoded).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    throw new Problem(400, "The path is not correctly percent-encoded");
  }
}
