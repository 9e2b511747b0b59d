import { basename, join } from "node:path";
import {
  connectionProblem,
  makeOctokit,
  statusOf,
  type GitHubTarget,
} from "@jarvis/tools/self-extension";
import { ConfigError, type KernelConfig } from "../config.ts";
import { keepForge, type ForgeKeeper } from "./forge-keeper.ts";
import type { GuardedRepository } from "./guarded-repository.ts";

export interface Connection {
  readonly target: GitHubTarget;
  readonly kind: "github" | "forge";
  /** What a person opens and pulls from. */
  readonly webUrl: string;
  readonly cloneUrl: string;
  readonly forge: ForgeKeeper | null;
}

/** The repository host answers no, or not at all; the message says what to look at. */
export class HostError extends Error {
  override readonly name = "HostError";
}

/** GitHub where a token and a repository are configured, else a forge of our own on this machine. */
export async function connectRepositoryHost(
  config: KernelConfig,
  repository: GuardedRepository,
  onGone: (error: Error) => void,
): Promise<Connection> {
  if (config.githubRepository !== undefined || config.githubToken !== undefined) {
    return await connectGitHub(config);
  }
  const name = safeName(basename(repository.directory));
  const forge = await keepForge(
    {
      directory: join(config.stateDir, "forge"),
      owner: "local",
      repository: name,
      seed: { gitDirectory: repository.gitDirectory, commit: repository.head },
    },
    onGone,
  );
  let known: { apiUrl: string; target: GitHubTarget } | null = null;
  return {
    kind: "forge",
    forge,
    get webUrl() {
      return forge.current.webUrl;
    },
    get cloneUrl() {
      return forge.current.cloneUrl;
    },
    // A forge that was started again may have had to take another port.
    get target() {
      const { apiUrl, cloneUrl, token } = forge.current;
      if (known?.apiUrl !== apiUrl) {
        const target = {
          octokit: makeOctokit({ apiUrl, token, remote: false }),
          owner: "local",
          repo: name,
          baseBranch: "main",
          gitUrl: cloneUrl,
          gitAuthorization: basic(token),
        };
        known = { apiUrl, target };
      }
      return known.target;
    },
  };
}

async function connectGitHub(config: KernelConfig): Promise<Connection> {
  const { githubToken, githubRepository } = config;
  if (githubToken === undefined || githubRepository === undefined) {
    throw new ConfigError(
      "GitHub needs both GITHUB_TOKEN and JARVIS_GITHUB_REPOSITORY=owner/name; set both, or neither to use the local forge.",
    );
  }
  const [owner = "", repo = ""] = githubRepository.split("/");
  const octokit = makeOctokit({
    apiUrl: config.githubApiUrl,
    token: githubToken,
    remote: !isLoopback(config.githubApiUrl),
  });
  const { data } = await octokit.rest.repos.get({ owner, repo }).catch((cause: unknown) => {
    throw new HostError(whyNot(config.githubApiUrl, githubRepository, cause), { cause });
  });
  return {
    kind: "github",
    webUrl: data.html_url,
    cloneUrl: data.clone_url,
    forge: null,
    target: {
      octokit,
      owner,
      repo,
      baseBranch: data.default_branch,
      gitUrl: data.clone_url,
      gitAuthorization: basic(githubToken),
    },
  };
}

/** A host on this machine needs no politeness between requests. */
function isLoopback(url: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(url).hostname);
}

function whyNot(apiUrl: string, repository: string, cause: unknown): string {
  const status = statusOf(cause);
  if (status === 404) {
    return `${apiUrl} knows no repository ${repository} for this token; check JARVIS_GITHUB_REPOSITORY and what the token may read.`;
  }
  const problem = connectionProblem(cause) ?? "It did not answer as expected.";
  return `${problem} (${apiUrl}, ${repository})`;
}

function basic(token: string): string {
  return `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
}

/** A repository name that GitHub would take. */
function safeName(name: string): string {
  const safe = name.replaceAll(/[^\w.-]+/g, "-").replaceAll(/^[.-]+|[.-]+$/g, "");
  return safe === "" ? "repository" : safe;
}
