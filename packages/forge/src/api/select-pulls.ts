import type { PullDocument } from "../state/documents.ts";

/** Filters and sorts as `GET /pulls` documents it: open ones, newest first, unless told otherwise. */
export function selectPulls(
  pulls: readonly PullDocument[],
  query: URLSearchParams,
  owner: string,
): PullDocument[] {
  const state = query.get("state") ?? "open";
  const head = query.get("head");
  const base = query.get("base");
  const sort = query.get("sort") ?? "created";
  const direction = query.get("direction") ?? (sort === "created" ? "desc" : "asc");
  const key = (pull: PullDocument): string =>
    sort === "updated" ? pull.updatedAt : pull.createdAt;
  const selected = pulls
    .filter((pull) => state === "all" || pull.state === state)
    .filter((pull) => base === null || pull.baseRef === base)
    .filter((pull) => head === null || matchesHead(pull, head, owner))
    // Two of one millisecond keep the order of their numbers.
    .sort((a, b) => key(a).localeCompare(key(b)) || a.number - b.number);
  return direction === "desc" ? selected.reverse() : selected;
}

/** GitHub ignores a filter that is not `owner:branch`, and finds nothing for another owner. */
function matchesHead(pull: PullDocument, head: string, owner: string): boolean {
  const colon = head.indexOf(":");
  if (colon === -1) return true;
  return (
    head.slice(0, colon).toLowerCase() === owner.toLowerCase() &&
    head.slice(colon + 1) === pull.headRef
  );
}
