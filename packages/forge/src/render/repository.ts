import type { Actor } from "../actor.ts";
import type { Repository } from "../repository.ts";
import type { GitHubRepository } from "./github-types.ts";
import { nodeId, type Links } from "./links.ts";
import { renderOwner } from "./user.ts";

export function renderRepository(
  repository: Repository,
  links: Links,
  actor: Actor,
): GitHubRepository {
  return {
    ...facts(repository, links),
    permissions: {
      admin: actor.administrator,
      maintain: actor.administrator,
      push: true,
      triage: true,
      pull: true,
    },
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: true,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
    network_count: 0,
    subscribers_count: 0,
  };
}

/** The repository as it stands inside a pull request. */
export function renderEmbeddedRepository(repository: Repository, links: Links) {
  return facts(repository, links);
}

function facts(repository: Repository, links: Links) {
  const { owner, name, defaultBranch, meta } = repository;
  return {
    id: meta.repositoryId,
    node_id: nodeId("Repository", meta.repositoryId),
    name,
    full_name: `${owner}/${name}`,
    owner: renderOwner(links, owner),
    private: true,
    visibility: "private",
    html_url: links.web,
    description: null,
    fork: false,
    homepage: null,
    language: null,
    default_branch: defaultBranch,
    license: null,
    mirror_url: null,
    forks: 0,
    forks_count: 0,
    open_issues: 0,
    open_issues_count: 0,
    size: 0,
    stargazers_count: 0,
    watchers: 0,
    watchers_count: 0,
    archived: false,
    disabled: false,
    has_discussions: false,
    has_downloads: false,
    has_issues: false,
    has_pages: false,
    has_projects: false,
    has_wiki: false,
    is_template: false,
    topics: [],
    web_commit_signoff_required: false,
    created_at: meta.createdAt,
    updated_at: meta.createdAt,
    pushed_at: meta.createdAt,
    clone_url: links.clone,
    git_url: links.clone,
    ssh_url: links.clone,
    svn_url: links.web,
    ...repositoryUrls(links.repository),
  };
}

function repositoryUrls(url: string) {
  return {
    url,
    archive_url: `${url}/{archive_format}{/ref}`,
    assignees_url: `${url}/assignees{/user}`,
    blobs_url: `${url}/git/blobs{/sha}`,
    branches_url: `${url}/branches{/branch}`,
    collaborators_url: `${url}/collaborators{/collaborator}`,
    comments_url: `${url}/comments{/number}`,
    commits_url: `${url}/commits{/sha}`,
    compare_url: `${url}/compare/{base}...{head}`,
    contents_url: `${url}/contents/{+path}`,
    contributors_url: `${url}/contributors`,
    deployments_url: `${url}/deployments`,
    downloads_url: `${url}/downloads`,
    events_url: `${url}/events`,
    forks_url: `${url}/forks`,
    git_commits_url: `${url}/git/commits{/sha}`,
    git_refs_url: `${url}/git/refs{/sha}`,
    git_tags_url: `${url}/git/tags{/sha}`,
    hooks_url: `${url}/hooks`,
    issue_comment_url: `${url}/issues/comments{/number}`,
    issue_events_url: `${url}/issues/events{/number}`,
    issues_url: `${url}/issues{/number}`,
    keys_url: `${url}/keys{/key_id}`,
    labels_url: `${url}/labels{/name}`,
    languages_url: `${url}/languages`,
    merges_url: `${url}/merges`,
    milestones_url: `${url}/milestones{/number}`,
    notifications_url: `${url}/notifications{?since,all,participating}`,
    pulls_url: `${url}/pulls{/number}`,
    releases_url: `${url}/releases{/id}`,
    stargazers_url: `${url}/stargazers`,
    statuses_url: `${url}/statuses/{sha}`,
    subscribers_url: `${url}/subscribers`,
    subscription_url: `${url}/subscription`,
    tags_url: `${url}/tags`,
    teams_url: `${url}/teams`,
    trees_url: `${url}/git/trees{/sha}`,
  };
}
