import type { Sha } from "../git/names.ts";
import type { Mergeability } from "../mergeability.ts";
import type { Repository } from "../repository.ts";
import type { MergeableState } from "../rules/pull-merge.ts";
import type { PullDocument } from "../state/documents.ts";
import type { GitHubPull, GitHubPullSummary } from "./github-types.ts";
import { nodeId, type Links } from "./links.ts";
import { renderEmbeddedRepository } from "./repository.ts";
import { renderOwner, renderUser } from "./user.ts";

/** What only a single pull request shows, since it costs git work. */
export interface PullDetail {
  mergeability: Mergeability | undefined;
  mergeableState: MergeableState;
  commits: number;
  additions: number;
  deletions: number;
  changedFiles: number;
  comments: number;
}

export function renderPullSummary(
  repository: Repository,
  links: Links,
  pull: PullDocument,
): GitHubPullSummary {
  const url = `${links.repository}/pulls/${pull.number}`;
  const issue = `${links.repository}/issues/${pull.number}`;
  const id = repository.meta.repositoryId * 1_000 + pull.number;
  return {
    url,
    id,
    node_id: nodeId("PullRequest", id),
    html_url: links.pull(pull.number),
    diff_url: `${links.pull(pull.number)}.diff`,
    patch_url: `${links.pull(pull.number)}.patch`,
    issue_url: issue,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${links.repository}/pulls/comments{/number}`,
    comments_url: `${issue}/comments`,
    statuses_url: `${links.repository}/statuses/${pull.headSha}`,
    number: pull.number,
    state: pull.state,
    locked: false,
    title: pull.title,
    user: renderUser(links, pull.author),
    body: pull.body,
    labels: [],
    milestone: null,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeCommitSha,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    head: renderSide(repository, links, pull.headRef, pull.headSha),
    base: renderSide(repository, links, pull.baseRef, pull.baseSha),
    _links: {
      self: { href: url },
      html: { href: links.pull(pull.number) },
      issue: { href: issue },
      comments: { href: `${issue}/comments` },
      review_comments: { href: `${url}/comments` },
      review_comment: { href: `${links.repository}/pulls/comments{/number}` },
      commits: { href: `${url}/commits` },
      statuses: { href: `${links.repository}/statuses/${pull.headSha}` },
    },
    author_association: "COLLABORATOR",
    auto_merge: null,
    draft: pull.draft,
  };
}

export function renderPull(
  repository: Repository,
  links: Links,
  pull: PullDocument,
  detail: PullDetail,
): GitHubPull {
  const summary = renderPullSummary(repository, links, pull);
  const user = renderUser(links, pull.author);
  return {
    ...summary,
    state: pull.state,
    user,
    labels: [],
    requested_teams: [],
    head: { ...renderSide(repository, links, pull.headRef, pull.headSha), user },
    base: { ...renderSide(repository, links, pull.baseRef, pull.baseSha), user },
    milestone: null,
    merged: pull.mergedAt !== null,
    mergeable: detail.mergeability?.mergeable ?? null,
    rebaseable: detail.mergeability?.mergeable ?? null,
    mergeable_state: detail.mergeableState,
    merged_by: pull.mergedBy === null ? null : renderUser(links, pull.mergedBy),
    comments: detail.comments,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: detail.commits,
    additions: detail.additions,
    deletions: detail.deletions,
    changed_files: detail.changedFiles,
  };
}

function renderSide(repository: Repository, links: Links, ref: string, sha: Sha) {
  const user = renderOwner(links, repository.owner);
  return {
    label: `${repository.owner}:${ref}`,
    ref,
    sha,
    user,
    repo: renderEmbeddedRepository(repository, links),
  };
}
