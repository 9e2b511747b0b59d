import { APP_PERMISSIONS, type App } from "../app/app.ts";
import type { World } from "../world.ts";
import type { GitHubApp, GitHubInstallation, GitHubInstallationToken } from "./github-types.ts";
import { nodeId } from "./links.ts";
import { renderOwner } from "./user.ts";

export function renderApp({ repository, links }: World, app: App): GitHubApp {
  const { createdAt } = repository.meta;
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId("App", app.id),
    owner: renderOwner(links, repository.owner),
    name: app.slug,
    description: null,
    external_url: links.origin,
    html_url: `${links.origin}/apps/${app.slug}`,
    created_at: createdAt,
    updated_at: createdAt,
    permissions: { ...APP_PERMISSIONS },
    events: [],
    installations_count: 1,
  };
}

export function renderInstallation({ repository, links }: World, app: App): GitHubInstallation {
  const { createdAt } = repository.meta;
  const account = renderOwner(links, repository.owner);
  return {
    id: app.installationId,
    account,
    repository_selection: "selected",
    access_tokens_url: `${links.api}/app/installations/${app.installationId}/access_tokens`,
    repositories_url: `${links.api}/installation/repositories`,
    html_url: `${links.origin}/settings/installations/${app.installationId}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: "User",
    permissions: { ...APP_PERMISSIONS },
    events: [],
    created_at: createdAt,
    updated_at: createdAt,
    single_file_name: null,
    suspended_by: null,
    suspended_at: null,
  };
}

export function renderInstallationToken(issued: {
  token: string;
  expiresAt: Date;
}): GitHubInstallationToken {
  return {
    token: issued.token,
    // Whole seconds, as GitHub writes instants.
    expires_at: issued.expiresAt.toISOString().replace(/\.\d+Z$/u, "Z"),
    permissions: { ...APP_PERMISSIONS },
    repository_selection: "selected",
  };
}
