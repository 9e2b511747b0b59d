import { z } from "zod";

import { moveHead, settlePulls } from "../follow-pulls.ts";
import { mergeableState } from "../rules/pull-merge.ts";
import { renderCommit, renderFile } from "../render/commit.ts";
import { renderPull, renderPullSummary } from "../render/pull.ts";
import type { PullDocument } from "../state/documents.ts";
import type { World } from "../world.ts";
import { parseBody } from "./body.ts";
import { filesBetween, textOf, withoutOwner } from "./commits.ts";
import { readCommits } from "./commits-of.ts";
import { wantedMedia } from "./media.ts";
import { created, ok, operation } from "./operation.ts";
import { paginate } from "./paginate.ts";
import {
  changeState,
  nextNumber,
  requireBranch,
  requireDistinct,
  requireTitle,
  retarget,
} from "./pull-changes.ts";
import { currentBase, gatherMergeFacts } from "./pull-facts.ts";
import { requirePull } from "./require-pull.ts";
import { selectPulls } from "./select-pulls.ts";

const PULL = "/repos/{owner}/{repo}/pulls/{pull_number}";

const CreatePull = z.object({
  title: z.string(),
  head: z.string(),
  base: z.string(),
  body: z.string().nullable().optional(),
  draft: z.boolean().optional(),
});

const UpdatePull = z.object({
  title: z.string().optional(),
  body: z.string().nullable().optional(),
  state: z.enum(["open", "closed"]).optional(),
  base: z.string().optional(),
});

export const pullOperations = [
  operation("pulls/list", "GET", "/repos/{owner}/{repo}/pulls", async (request, world) => {
    await settlePulls(world.repository);
    const pulls = (await world.repository.state.pulls()).map(({ document }) => document);
    const selected = selectPulls(pulls, request.query, world.repository.owner);
    return paginate(request, selected, (pull) =>
      renderPullSummary(world.repository, world.links, pull),
    );
  }),

  operation("pulls/create", "POST", "/repos/{owner}/{repo}/pulls", async (request, world) => {
    const { repository } = world;
    const body = parseBody(CreatePull, request.body);
    requireTitle(body.title);
    const headRef = withoutOwner(repository, body.head);
    const headSha = await requireBranch(repository, "head", headRef);
    const baseSha = await requireBranch(repository, "base", body.base);
    await requireDistinct(repository, { headRef, headSha, baseRef: body.base, baseSha });
    const now = new Date().toISOString();
    const pull: PullDocument = {
      number: await nextNumber(repository),
      title: body.title,
      body: body.body ?? null,
      state: "open",
      draft: body.draft ?? false,
      author: request.actor.login,
      headRef,
      headSha,
      baseRef: body.base,
      baseSha,
      baseSeen: baseSha,
      createdAt: now,
      updatedAt: now,
      closedAt: null,
      mergedAt: null,
      mergedBy: null,
      mergeCommitSha: null,
      landing: null,
    };
    await repository.refs.update([
      await repository.state.newPull(pull),
      ...(await moveHead(repository, pull)),
    ]);
    return created(await renderDetailed(world, pull));
  }),

  operation("pulls/get", "GET", PULL, async (request, world) => {
    const { repository } = world;
    await settlePulls(repository);
    const pull = (await requirePull(repository, request.parameters.pull_number)).document;
    const media = wantedMedia(request.accept);
    if (media === "json") return ok(await renderDetailed(world, pull));
    const base = await currentBase(world, pull);
    const from = (await repository.history.mergeBase(base, pull.headSha)) ?? base;
    return textOf(repository, media, from, pull.headSha);
  }),

  operation("pulls/update", "PATCH", PULL, async (request, world) => {
    const { repository } = world;
    const stored = await requirePull(repository, request.parameters.pull_number);
    const body = parseBody(UpdatePull, request.body);
    if (body.title !== undefined) requireTitle(body.title);
    const now = new Date().toISOString();
    const edited: PullDocument = {
      ...stored.document,
      title: body.title ?? stored.document.title,
      body: body.body === undefined ? stored.document.body : body.body,
      updatedAt: now,
    };
    const retargeted = await retarget(repository, edited, body.base);
    const pull = await changeState(repository, retargeted, body.state, now);
    await repository.refs.update([
      await repository.state.change(stored, pull),
      ...(await moveHead(repository, pull)),
    ]);
    return ok(await renderDetailed(world, pull));
  }),

  operation("pulls/list-files", "GET", `${PULL}/files`, async (request, world) => {
    const { repository, links } = world;
    await settlePulls(repository);
    const pull = (await requirePull(repository, request.parameters.pull_number)).document;
    const files = await filesBetween(repository, await currentBase(world, pull), pull.headSha);
    return paginate(request, files, (file) => renderFile(links, file, pull.headSha));
  }),

  operation("pulls/list-commits", "GET", `${PULL}/commits`, async (request, world) => {
    const { repository, links } = world;
    await settlePulls(repository);
    const pull = (await requirePull(repository, request.parameters.pull_number)).document;
    const base = await currentBase(world, pull);
    const shas = await repository.history.between(base, pull.headSha, { merges: true });
    const commits = await readCommits(repository, shas);
    return paginate(request, commits, (commit) => renderCommit(links, commit));
  }),
];

/** With what a single pull request shows beyond a list: counts and mergeability. */
async function renderDetailed(world: World, pull: PullDocument) {
  const { repository, links } = world;
  const base = await currentBase(world, pull);
  const mergeability =
    pull.state === "open" ? world.mergeability.peek(base, pull.headSha) : undefined;
  const facts = await gatherMergeFacts(world, pull, { expectedHead: undefined, mergeability });
  const files = await filesBetween(repository, base, pull.headSha);
  const commits = await repository.history.between(base, pull.headSha, { merges: true });
  return renderPull(repository, links, pull, {
    mergeability,
    mergeableState: mergeableState(facts),
    commits: commits.length,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changedFiles: files.length,
    comments: (await repository.state.comments(pull.number)).document.length,
  });
}
