import { branchRef, type Sha } from "./git/names.ts";
import type { RefMap, RefUpdate } from "./git/refs.ts";
import type { Repository } from "./repository.ts";
import { followBranches } from "./rules/pull-lifecycle.ts";
import type { PullDocument } from "./state/documents.ts";
import type { Stored } from "./state/state-store.ts";

/**
 * Writes down what moved branches mean for open pull requests: a new head, merged, closed. The caller
 * holds the mutex. Called after every change and before every read that could see it missing, so it
 * does not matter who moved a branch, or whether the one who did lived to say so.
 */
export async function followPulls(
  repository: Repository,
  actor: string | undefined,
): Promise<void> {
  const { stale, branches } = await findStale(repository);
  if (stale.length === 0) return;
  const updates: RefUpdate[] = [];
  for (const stored of stale) {
    const followed = await follow(repository, stored.document, branches, actor);
    if (followed === stored.document) continue;
    updates.push(await repository.state.change(stored, followed));
    updates.push(...(await moveHead(repository, followed)));
  }
  await repository.refs.update(updates);
}

/** Brings pull requests up to date for a reader, waiting for a running change only if it must. */
export async function settlePulls(repository: Repository): Promise<void> {
  const { stale } = await findStale(repository);
  if (stale.length > 0) await repository.mutex.run(() => followPulls(repository, undefined));
}

/** `refs/pull/N/head` keeps a pull request's commits fetchable after its branch is gone. */
export async function moveHead(
  repository: Repository,
  pull: Pick<PullDocument, "number" | "headSha">,
): Promise<RefUpdate[]> {
  const ref = `refs/pull/${pull.number}/head`;
  const old = await repository.refs.get(ref);
  return old === pull.headSha ? [] : [{ ref, old, new: pull.headSha }];
}

async function findStale(
  repository: Repository,
): Promise<{ stale: Stored<PullDocument>[]; branches: RefMap }> {
  const pulls = await repository.state.pulls();
  const open = pulls.filter(({ document }) => document.state === "open");
  const named = open.flatMap(({ document }) => [document.headRef, document.baseRef]);
  const branches = await repository.refs.getMany(named.map(branchRef));
  const stale = open.filter(
    ({ document }) =>
      document.landing !== null ||
      branches.get(branchRef(document.headRef)) !== document.headSha ||
      branches.get(branchRef(document.baseRef)) !== document.baseSeen,
  );
  return { stale, branches };
}

async function follow(
  repository: Repository,
  pull: PullDocument,
  branches: RefMap,
  actor: string | undefined,
): Promise<PullDocument> {
  const head = branches.get(branchRef(pull.headRef));
  const base = branches.get(branchRef(pull.baseRef));
  const newest = head ?? pull.headSha;
  const contains = async (commit: Sha | undefined, of: Sha): Promise<boolean> =>
    commit !== undefined && repository.history.isAncestor(of, commit);
  return followBranches(pull, {
    head,
    base,
    headInBase: await contains(base, newest),
    headInSeenBase: await contains(pull.baseSeen, newest),
    landed: pull.landing !== null && (await contains(base, pull.landing.to)),
    now: new Date().toISOString(),
    actor,
  });
}
