import { z } from "zod";

import type { Actor } from "../actor.ts";
import { formatCommit, subject, type Signature } from "../git/commit.ts";
import { ForgeError } from "../forge-error.ts";
import { mergeTree, replay } from "../git/merge.ts";
import { branchRef, type Sha } from "../git/names.ts";
import { settlePulls } from "../follow-pulls.ts";
import { notFound, Problem, PROTECTED_BRANCHES_DOCUMENTATION } from "../problem.ts";
import type { GitHubMerge } from "../render/github-types.ts";
import type { Repository } from "../repository.ts";
import { decideMerge } from "../rules/pull-merge.ts";
import { merged } from "../rules/pull-lifecycle.ts";
import type { PullDocument } from "../state/documents.ts";
import type { Stored } from "../state/state-store.ts";
import { parseBody } from "./body.ts";
import { readCommits } from "./commits-of.ts";
import { noContent, ok, operation } from "./operation.ts";
import { currentBase, gatherMergeFacts } from "./pull-facts.ts";
import { requirePull } from "./require-pull.ts";

const MERGE = "/repos/{owner}/{repo}/pulls/{pull_number}/merge";

const MergePull = z.object({
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(["merge", "squash", "rebase"]).optional(),
});
type MergePull = z.infer<typeof MergePull>;

export const pullMergeOperations = [
  operation("pulls/check-if-merged", "GET", MERGE, async (request, { repository }) => {
    await settlePulls(repository);
    const pull = (await requirePull(repository, request.parameters.pull_number)).document;
    if (pull.mergedAt === null) throw notFound();
    return noContent;
  }),

  operation("pulls/merge", "PUT", MERGE, async (request, world) => {
    const { repository } = world;
    const stored = await requirePull(repository, request.parameters.pull_number);
    const pull = stored.document;
    // A merge with nothing to say may come without a body.
    const body = parseBody(MergePull, request.body ?? {});
    const base = await currentBase(world, pull);
    const mergeability =
      pull.state === "open" ? await world.mergeability.compute(base, pull.headSha) : undefined;
    const decision = decideMerge(
      await gatherMergeFacts(world, pull, { expectedHead: body.sha, mergeability }),
    );
    if (!decision.allowed) {
      const documentationUrl = decision.protectedBranch
        ? PROTECTED_BRANCHES_DOCUMENTATION
        : undefined;
      throw new Problem(
        decision.status,
        decision.message,
        documentationUrl === undefined ? {} : { documentationUrl },
      );
    }
    const commit = await makeMergeCommit(repository, pull, base, body, request.actor);
    await land(repository, stored, { base, commit, by: request.actor.login });
    return ok({
      sha: commit,
      merged: true,
      message: "Pull Request successfully merged",
    } satisfies GitHubMerge);
  }),
];

/**
 * Moves the base and marks the pull request merged. What is about to happen is written first: when
 * the process dies between the two, whoever looks next sees from the base whether it happened.
 */
async function land(
  repository: Repository,
  stored: Stored<PullDocument>,
  landing: { base: Sha; commit: Sha; by: string },
): Promise<void> {
  const { base, commit, by } = landing;
  const at = new Date().toISOString();
  const announced: PullDocument = {
    ...stored.document,
    landing: { from: base, to: commit, by, at },
  };
  const announcement = await repository.state.change(stored, announced);
  await repository.refs.update([announcement]);
  const known = { ...stored, blob: announcement.new };
  const done = await repository.state.change(known, merged(announced, commit, at, by));
  try {
    await repository.refs.update([
      { ref: branchRef(stored.document.baseRef), old: base, new: commit },
      done,
    ]);
  } catch (error) {
    // Only by a writer beside the forge; the announcement is taken back by whoever looks next.
    if (error instanceof ForgeError && error.code === "ref-conflict") {
      throw new Problem(405, "Base branch was modified. Review and try the merge again.");
    }
    throw error;
  }
}

async function makeMergeCommit(
  repository: Repository,
  pull: PullDocument,
  base: Sha,
  body: MergePull,
  actor: Actor,
): Promise<Sha> {
  const committer: Signature = {
    name: actor.login,
    email: actor.email,
    timestampSeconds: Math.floor(Date.now() / 1000),
    offset: "+0000",
  };
  const method = body.merge_method ?? "merge";
  if (method === "rebase") {
    const shas = await repository.history.between(base, pull.headSha, { merges: false });
    const commits = await readCommits(repository, shas);
    const tip = await replay(repository.git, repository.objects, commits, {
      onto: base,
      committer,
    });
    if (tip === undefined) throw new Problem(405, "This branch can't be rebased");
    return tip;
  }
  const tree = await mergeTree(repository.git, base, pull.headSha);
  if (tree === undefined) throw new Problem(405, "Pull Request is not mergeable");
  const parents = method === "merge" ? [base, pull.headSha] : [base];
  const message =
    method === "merge"
      ? mergeMessage(repository, pull, body)
      : await squashMessage(repository, pull, base, body);
  const commit = { tree, parents, author: committer, committer, message };
  return repository.objects.write("commit", formatCommit(commit));
}

function mergeMessage(repository: Repository, pull: PullDocument, body: MergePull): string {
  const title =
    body.commit_title ??
    `Merge pull request #${pull.number} from ${repository.owner}/${pull.headRef}`;
  return joinMessage(title, body.commit_message ?? pull.title);
}

async function squashMessage(
  repository: Repository,
  pull: PullDocument,
  base: Sha,
  body: MergePull,
): Promise<string> {
  const shas = await repository.history.between(base, pull.headSha, { merges: false });
  const commits = await readCommits(repository, shas);
  const listed =
    commits.length < 2 ? "" : commits.map(({ message }) => `* ${subject(message)}`).join("\n\n");
  return joinMessage(
    body.commit_title ?? `${pull.title} (#${pull.number})`,
    body.commit_message ?? listed,
  );
}

function joinMessage(title: string, message: string): string {
  return message === "" ? title : `${title}\n\n${message}`;
}
