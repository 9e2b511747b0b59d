import type { Sha } from "../git/names.ts";
import type { Repository } from "../repository.ts";
import { combinedState, latestStatuses } from "../rules/required-statuses.ts";
import type { StatusDocument } from "../state/documents.ts";
import type { GitHubCombinedStatus, GitHubStatus } from "./github-types.ts";
import { nodeId, type Links } from "./links.ts";
import { renderEmbeddedRepository } from "./repository.ts";
import { renderUser } from "./user.ts";

export function renderStatus(links: Links, commit: Sha, status: StatusDocument): GitHubStatus {
  return { ...summary(links, commit, status), creator: renderUser(links, status.creator) };
}

export function renderCombinedStatus(
  repository: Repository,
  links: Links,
  commit: Sha,
  statuses: readonly StatusDocument[],
  shown: readonly StatusDocument[] = latestStatuses(statuses),
): GitHubCombinedStatus {
  const latest = latestStatuses(statuses);
  return {
    state: combinedState(latest),
    statuses: shown.map((status) => ({ ...summary(links, commit, status), required: null })),
    sha: commit,
    total_count: latest.length,
    repository: renderEmbeddedRepository(repository, links),
    commit_url: `${links.repository}/commits/${commit}`,
    url: `${links.repository}/commits/${commit}/status`,
  };
}

function summary(links: Links, commit: Sha, status: StatusDocument) {
  return {
    url: `${links.repository}/statuses/${commit}`,
    avatar_url: `${links.user(status.creator)}/avatar`,
    id: status.id,
    node_id: nodeId("Status", status.id),
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: status.createdAt,
    updated_at: status.createdAt,
  };
}
