import type { Commit } from "../git/commit.ts";
import { diffFiles, diffText, EMPTY_TREE, patchText, type FileChange } from "../git/diff.ts";
import type { Sha } from "../git/names.ts";
import { notFound, Problem } from "../problem.ts";
import { renderCommit, renderFile, renderStats } from "../render/commit.ts";
import type { GitHubCommit, GitHubComparison } from "../render/github-types.ts";
import { resolveCommit, type Repository } from "../repository.ts";
import type { World } from "../world.ts";
import { readCommit, readCommits, requireCommit } from "./commits-of.ts";
import { wantedMedia } from "./media.ts";
import { ok, operation, type Answer } from "./operation.ts";
import { linkHeader, paginate, readPage } from "./paginate.ts";

// GitHub shows this many files of one comparison or commit.
const MOST_FILES = 300;

export const commitOperations = [
  operation(
    "repos/list-commits",
    "GET",
    "/repos/{owner}/{repo}/commits",
    async (request, { repository, links }) => {
      const name = request.query.get("sha") ?? repository.defaultBranch;
      const from = await resolveCommit(repository, name);
      if (from === undefined) {
        throw name === repository.defaultBranch
          ? new Problem(409, "Git Repository is empty.")
          : notFound();
      }
      const { skip, size } = readPage(request);
      const path = request.query.get("path") ?? undefined;
      const { shas, total } = await repository.history.log(from, { skip, count: size, path });
      const commits = await readCommits(repository, shas);
      return {
        status: 200,
        json: commits.map((commit) => renderCommit(links, commit)),
        link: linkHeader(request, total),
      };
    },
  ),

  operation(
    "repos/get-commit",
    "GET",
    "/repos/{owner}/{repo}/commits/{ref}",
    async (request, { repository, links }) => {
      const sha = await requireCommit(repository, request.parameters.ref);
      const commit = await readCommit(repository, sha);
      if (commit === undefined) throw notFound();
      const media = wantedMedia(request.accept);
      if (media !== "json") return textOf(repository, media, parentOrNothing(commit), sha);
      if (/\.sha(?:\+json)?\b/u.test(request.accept)) {
        return { status: 200, text: sha, contentType: "application/vnd.github.sha; charset=utf-8" };
      }
      const files = await diffFiles(repository.git, parentOrNothing(commit), sha);
      return ok({
        ...renderCommit(links, commit),
        stats: renderStats(files),
        files: files.slice(0, MOST_FILES).map((file) => renderFile(links, file, sha)),
      } satisfies GitHubCommit);
    },
  ),

  operation(
    "repos/compare-commits-with-basehead",
    "GET",
    "/repos/{owner}/{repo}/compare/{basehead}",
    async (request, world) => {
      const { repository } = world;
      const [base, head, ...rest] = request.parameters.basehead.split("...");
      if (base === undefined || head === undefined || rest.length > 0) throw notFound();
      const from = await resolveCommit(repository, withoutOwner(repository, base));
      const to = await resolveCommit(repository, withoutOwner(repository, head));
      if (from === undefined || to === undefined) throw notFound();
      const mergeBase = await repository.history.mergeBase(from, to);
      if (mergeBase === undefined)
        throw new Problem(404, `No common ancestor between ${base} and ${head}.`);
      const media = wantedMedia(request.accept);
      if (media !== "json") return textOf(repository, media, mergeBase, to);
      return compare(world, { from, to, mergeBase }, (shas) =>
        paginate(request, shas, async (sha) => sha),
      );
    },
  ),
];

async function compare(
  { repository, links }: World,
  { from, to, mergeBase }: { from: Sha; to: Sha; mergeBase: Sha },
  cut: (shas: readonly Sha[]) => Promise<Answer>,
): Promise<Answer> {
  const [baseCommit, baseOfMerge] = await readCommits(repository, [from, mergeBase]);
  if (baseCommit === undefined || baseOfMerge === undefined) throw notFound();
  const ahead = await repository.history.between(from, to, { merges: true });
  const behind = await repository.history.countBetween(to, from);
  const page = await cut(ahead);
  const shown = "json" in page ? (page.json as Sha[]) : [];
  const commits = await readCommits(repository, shown);
  const files = await diffFiles(repository.git, mergeBase, to);
  const url = `${links.repository}/compare/${from}...${to}`;
  const web = `${links.web}/compare/${from}...${to}`;
  return {
    status: 200,
    link: "link" in page ? page.link : undefined,
    json: {
      url,
      html_url: web,
      permalink_url: web,
      diff_url: `${web}.diff`,
      patch_url: `${web}.patch`,
      base_commit: renderCommit(links, baseCommit),
      merge_base_commit: renderCommit(links, baseOfMerge),
      status: relation(ahead.length, behind),
      ahead_by: ahead.length,
      behind_by: behind,
      total_commits: ahead.length,
      commits: commits.map((commit) => renderCommit(links, commit)),
      files: files.slice(0, MOST_FILES).map((file) => renderFile(links, file, to)),
    } satisfies GitHubComparison,
  };
}

/** What a pull request or a comparison changes: from where the head left the base. */
export async function filesBetween(
  repository: Repository,
  base: Sha,
  head: Sha,
): Promise<FileChange[]> {
  const from = (await repository.history.mergeBase(base, head)) ?? EMPTY_TREE;
  return diffFiles(repository.git, from, head);
}

export async function textOf(
  repository: Repository,
  media: "diff" | "patch",
  from: Sha,
  to: Sha,
): Promise<Answer> {
  const text =
    media === "diff" ? diffText(repository.git, from, to) : patchText(repository.git, from, to);
  return {
    status: 200,
    text: await text,
    contentType: `application/vnd.github.${media}; charset=utf-8`,
  };
}

/** A merge is compared with its first parent, the first commit of all with nothing. */
export function parentOrNothing(commit: Commit): Sha {
  return commit.parents[0] ?? EMPTY_TREE;
}

function relation(ahead: number, behind: number): GitHubComparison["status"] {
  if (ahead === 0) return behind === 0 ? "identical" : "behind";
  return behind === 0 ? "ahead" : "diverged";
}

/** `owner:branch` as GitHub takes it; there are no forks here, so another owner has no branches. */
export function withoutOwner(repository: Repository, name: string): string {
  const prefix = `${repository.owner}:`;
  return name.toLowerCase().startsWith(prefix.toLowerCase()) ? name.slice(prefix.length) : name;
}
