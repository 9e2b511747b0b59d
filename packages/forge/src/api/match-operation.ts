import { Problem } from "../problem.ts";
import type { Method, Operation } from "./operation.ts";

// These may hold slashes, encoded or not: Octokit encodes them, people with curl do not.
const LONG_NAMES = new Set(["ref", "branch", "basehead", "path"]);

// GitHub's words below a commit or a branch that are not served: no part of a name, unless encoded.
const NOT_SERVED =
  "check-runs|check-suites|comments|pulls|branches-where-head|rename|protection/\\w+(?:/\\w+)*";

export interface Match {
  operation: Operation;
  parameters: Record<string, string>;
}

/** Finds the operation for a request; the first one in the list that fits. */
export function createMatcher(
  operations: readonly Operation[],
): (method: string, encodedPath: string) => Match | undefined {
  const patterns = operations.map((operation) => ({
    operation,
    pattern: toPattern(operation.path),
  }));
  return (method, encodedPath) => {
    const wanted: string = method === "HEAD" ? ("GET" satisfies Method) : method;
    for (const { operation, pattern } of patterns) {
      const found = operation.method === wanted ? pattern.exec(encodedPath) : null;
      if (found !== null) return { operation, parameters: decode(found.groups ?? {}) };
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

function decode(groups: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    throw new Problem(400, "The path is not correctly percent-encoded");
  }
}
