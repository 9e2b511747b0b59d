import { makeOctokit } from "./github-client.ts";
import type { HostCredentials } from "./host-credentials.ts";
import type { GitHubTarget, HostAccount } from "./pipeline-world.ts";

export interface RepositoryPlace {
  readonly apiUrl: string;
  readonly owner: string;
  readonly repo: string;
  readonly baseBranch: string;
  readonly gitUrl: string;
  /** True for GitHub itself; see `makeOctokit`. */
  readonly remote: boolean;
}

/** One repository on one host, signed for by one credential. */
export function makeGitHubTarget(
  place: RepositoryPlace,
  credentials: HostCredentials,
): GitHubTarget {
  const { apiUrl, owner, repo, baseBranch, gitUrl, remote } = place;
  const octokit = makeOctokit({ apiUrl, token: credentials, remote });
  let known: { token: string; account: HostAccount } | null = null;
  return {
    octokit,
    owner,
    repo,
    baseBranch,
    gitUrl,
    async gitAuthorization() {
      const signed = `x-access-token:${await credentials.token()}`;
      return `Basic ${Buffer.from(signed).toString("base64")}`;
    },
    async whoAmI() {
      // Another token may be another account's.
      const token = await credentials.token();
      if (known?.token !== token) known = { token, account: await askWho(octokit, credentials) };
      return known.account;
    },
    async appPermissions() {
      const appToken = await credentials.appToken();
      if (appToken === null) return [];
      const { data } = await octokit.rest.apps.getRepoInstallation({
        owner,
        repo,
        headers: signedBy(appToken),
      });
      return Object.entries(data.permissions).map(([name, level]) => `${name} ${level}`);
    },
  };
}

function signedBy(appToken: string): { authorization: string } {
  return { authorization: `bearer ${appToken}` };
}

/** The account of a token, or the bot that an app writes as: `/user` is nobody for an app. */
async function askWho(
  octokit: GitHubTarget["octokit"],
  credentials: HostCredentials,
): Promise<HostAccount> {
  const appToken = await credentials.appToken();
  if (appToken === null) {
    const { data } = await octokit.rest.users.getAuthenticated();
    return { id: data.id, login: data.login };
  }
  const { data: app } = await octokit.rest.apps.getAuthenticated({
    headers: signedBy(appToken),
  });
  const { data: bot } = await octokit.rest.users.getByUsername({
    username: `${app?.slug ?? ""}[bot]`,
  });
  return { id: bot.id, login: bot.login };
}
