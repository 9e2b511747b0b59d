import { branchRef, type Sha } from "../git/names.ts";
import type { Mergeability } from "../mergeability.ts";
import { rulesFor } from "../repository.ts";
import type { MergeFacts } from "../rules/pull-merge.ts";
import { latestStatuses, unmetStatuses } from "../rules/required-statuses.ts";
import type { PullDocument } from "../state/documents.ts";
import type { World } from "../world.ts";

/** The base's tip, or where it was when a pull request whose base is gone was closed. */
export async function currentBase(world: World, pull: PullDocument): Promise<Sha> {
  const tip = await world.repository.refs.get(branchRef(pull.baseRef));
  return pull.state === "open" ? (tip ?? pull.baseSha) : pull.baseSha;
}

/** Gathers everything that decides about a merge. */
export async function gatherMergeFacts(
  { repository }: World,
  pull: PullDocument,
  asked: { expectedHead: Sha | undefined; mergeability: Mergeability | undefined },
): Promise<MergeFacts> {
  const rules = await rulesFor(repository, pull.baseRef);
  const statuses = (await repository.state.statuses(pull.headSha)).document;
  const required = new Set(rules?.requiredStatuses?.contexts);
  return {
    pull,
    expectedHead: asked.expectedHead,
    mergeable: asked.mergeability?.mergeable,
    upToDate: asked.mergeability?.upToDate ?? false,
    rules,
    unmetStatuses: unmetStatuses(rules, statuses),
    optionalUnsuccessful: latestStatuses(statuses).some(
      ({ context, state }) => !required.has(context) && state !== "success",
    ),
  };
}
