import { actorByLogin, type Actor } from "../actor.ts";
import type { GitHubPublicUser, GitHubSimpleUser, GitHubUser } from "./github-types.ts";
import { nodeId, type Links } from "./links.ts";

export function renderUser(links: Links, login: string): GitHubSimpleUser {
  const actor = actorByLogin(login);
  return { ...userLinks(links, actor), type: actor.type, site_admin: false };
}

/** The owner of the repository, who is a name and not one of the actors. */
export function renderOwner(links: Links, owner: string): GitHubSimpleUser {
  const actor = { login: owner, id: 100 };
  return { ...userLinks(links, actor), type: "User", site_admin: false };
}

export function renderAuthenticatedUser(links: Links, actor: Actor, since: string): GitHubUser {
  return describeUser(links, actor, since);
}

export function renderPublicUser(links: Links, actor: Actor, since: string): GitHubPublicUser {
  return describeUser(links, actor, since);
}

function describeUser(links: Links, actor: Actor, since: string) {
  return {
    ...userLinks(links, actor),
    type: actor.type,
    site_admin: false,
    name: actor.login,
    company: null,
    blog: null,
    location: null,
    // As for everybody who does not publish it.
    email: null,
    hireable: null,
    bio: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: since,
    updated_at: since,
  };
}

function userLinks(links: Links, actor: { login: string; id: number }) {
  const url = links.user(actor.login);
  return {
    login: actor.login,
    id: actor.id,
    node_id: nodeId("User", actor.id),
    avatar_url: `${url}/avatar`,
    gravatar_id: "",
    url,
    html_url: `${links.origin}/${encodeURIComponent(actor.login)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
  };
}
