import { branchRef, isRefName, type Sha } from "../git/names.ts";
import { validationFailed, type Problem } from "../problem.ts";
import type { Repository } from "../repository.ts";
import type { PullDocument } from "../state/documents.ts";

/** Points an open pull request at another base. */
export async function retarget(
  repository: Repository,
  pull: PullDocument,
  base: string | undefined,
): Promise<PullDocument> {
  if (base === undefined || base === pull.baseRef) return pull;
  if (pull.state === "closed") {
    throw invalid("base", "Cannot change the base branch of a closed pull request");
  }
  const baseSha = await requireBranch(repository, "base", base);
  const moved = { ...pull, baseRef: base, baseSha, baseSeen: baseSha };
  await requireDistinct(repository, moved);
  return moved;
}

/** Closes or opens; what is opened again has to be as good as new. */
export async function changeState(
  repository: Repository,
  pull: PullDocument,
  state: "open" | "closed" | undefined,
  now: string,
): Promise<PullDocument> {
  if (state === undefined || state === pull.state) return pull;
  if (state === "closed") return { ...pull, state, closedAt: now };
  if (pull.mergedAt !== null)
    throw invalid("state", "state cannot be changed. The pull request is merged.");
  const headSha = await repository.refs.get(branchRef(pull.headRef));
  const baseSha = await repository.refs.get(branchRef(pull.baseRef));
  if (headSha === undefined || baseSha === undefined) {
    const gone = headSha === undefined ? pull.headRef : pull.baseRef;
    throw invalid("state", `state cannot be changed. The ${gone} branch has been deleted.`);
  }
  const reopened = { ...pull, state, headSha, baseSha, baseSeen: baseSha, closedAt: null };
  await requireDistinct(repository, reopened);
  return reopened;
}

/** Something to merge, and no other open pull request for the same two branches. */
export async function requireDistinct(
  repository: Repository,
  pull: Pick<PullDocument, "headRef" | "headSha" | "baseRef" | "baseSha"> & { number?: number },
): Promise<void> {
  const twin = (await repository.state.pulls()).find(
    ({ document }) =>
      document.state === "open" &&
      document.number !== pull.number &&
      document.headRef === pull.headRef &&
      document.baseRef === pull.baseRef,
  );
  if (twin !== undefined) {
    throw custom(`A pull request already exists for ${repository.owner}:${pull.headRef}.`);
  }
  if (await repository.history.isAncestor(pull.headSha, pull.baseSha)) {
    throw custom(`No commits between ${pull.baseRef} and ${pull.headRef}`);
  }
  if ((await repository.history.mergeBase(pull.headSha, pull.baseSha)) === undefined) {
    throw custom(`The ${pull.headRef} branch has no history in common with ${pull.baseRef}`);
  }
}

export async function requireBranch(
  repository: Repository,
  field: "head" | "base",
  branch: string,
): Promise<Sha> {
  const sha = isRefName(branch) ? await repository.refs.get(branchRef(branch)) : undefined;
  if (sha === undefined)
    throw validationFailed({ resource: "PullRequest", field, code: "invalid" });
  return sha;
}

/** Numbers are never used twice, since pull requests are never deleted. */
export async function nextNumber(repository: Repository): Promise<number> {
  return ((await repository.state.pulls()).at(-1)?.document.number ?? 0) + 1;
}

export function requireTitle(title: string): void {
  if (title.trim() === "") {
    throw validationFailed({ resource: "PullRequest", field: "title", code: "missing_field" });
  }
  if (title.length > 256) throw invalid("title", "title is too long (maximum is 256 characters)");
}

function custom(message: string): Problem {
  return validationFailed({ resource: "PullRequest", code: "custom", message });
}

function invalid(field: string, message: string): Problem {
  return validationFailed({ resource: "PullRequest", field, code: "invalid", message });
}
