import picomatch from "picomatch";
import { parse } from "yaml";

/** A workflow file of the repository, as the host has it on the base. */
export interface WorkflowFile {
  readonly path: string;
  readonly text: string;
}

export interface WorkflowExposure {
  readonly path: string;
  /** The events of one of our branches that start it. */
  readonly events: readonly string[];
  /** True where it names a secret, or nobody can tell. */
  readonly seesSecrets: boolean;
}

/**
 * The workflows that the host would run because of a branch that Jarvis pushes and the pull request it
 * opens, with what is in that branch. Both are of the repository itself, so that neither is kept from
 * its secrets as a fork's would be. What cannot be read counts as run and as seeing them.
 */
export function exposedWorkflows(
  files: readonly WorkflowFile[],
  branches: { readonly pushed: string; readonly base: string },
): WorkflowExposure[] {
  return files.flatMap(({ path, text }) => {
    const events = startingEvents(text, branches);
    // Beside those that are named there is always the token of the run.
    const seesSecrets = events.includes("unreadable") || /\bsecrets\b/.test(text);
    return events.length === 0 ? [] : [{ path, events, seesSecrets }];
  });
}

function startingEvents(text: string, branches: { pushed: string; base: string }): string[] {
  const on = triggersOf(text);
  if (on === null) return ["unreadable"];
  const starts: Readonly<Record<string, (filter: unknown) => boolean>> = {
    push: (filter) => !isForTagsOnly(filter) && matches(filter, branches.pushed),
    // Filters of a pull request are about the branch that it goes to.
    pull_request: (filter) => matches(filter, branches.base),
    pull_request_target: (filter) => matches(filter, branches.base),
    create: () => true,
    workflow_run: () => true,
    status: () => true,
  };
  return [...on].flatMap(([event, filter]) => (starts[event]?.(filter) === true ? [event] : []));
}

/** `on` as a word, a list or a map, as a map; null where it is none of these. */
function triggersOf(text: string): Map<string, unknown> | null {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 20 });
  } catch {
    return null;
  }
  if (typeof document !== "object" || document === null || !("on" in document)) return null;
  const { on } = document;
  if (typeof on === "string") return new Map([[on, null]]);
  if (Array.isArray(on)) return new Map(on.map((event) => [String(event), null]));
  return typeof on === "object" && on !== null ? new Map(Object.entries(on)) : null;
}

function matches(filter: unknown, branch: string): boolean {
  const wanted = patternsOf(filter, "branches");
  if (wanted !== null) {
    // The last pattern that fits decides; one with ! takes out again.
    return wanted.reduce((fits, pattern) => {
      if (pattern.startsWith("!")) return fits && !isMatch(branch, pattern.slice(1));
      return fits || isMatch(branch, pattern);
    }, false);
  }
  const ignored = patternsOf(filter, "branches-ignore");
  return ignored === null || !ignored.some((pattern) => isMatch(branch, pattern));
}

// Longer ones are nobody's branches, and would have this program think about them for long.
const LONGEST_PATTERN = 200;

function isMatch(branch: string, pattern: string): boolean {
  return (
    pattern === "" || pattern.length > LONGEST_PATTERN || picomatch(pattern, { dot: true })(branch)
  );
}

function isForTagsOnly(filter: unknown): boolean {
  const has = (name: string): boolean => patternsOf(filter, name) !== null;
  const forBranches = has("branches") || has("branches-ignore");
  return !forBranches && (has("tags") || has("tags-ignore"));
}

function patternsOf(filter: unknown, name: string): string[] | null {
  if (typeof filter !== "object" || filter === null || !(name in filter)) return null;
  const value = (filter as Record<string, unknown>)[name];
  return (Array.isArray(value) ? value : [value]).map(String);
}
