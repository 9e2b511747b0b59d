import { basename, join } from "node:path";
import { makeOctokit, type GitHubTarget } from "@jarvis/tools/self-extension";
import type { KernelConfig } from "../config.ts";
import { startForgeProcess, type RunningForge } from "./forge-process.ts";
import type { GuardedRepository } from "./guarded-repository.ts";

export interface Connection {
  readonly target: GitHubTarget;
  readonly kind: "github" | "forge";
  /** What a person opens and pulls from. */
  readonly webUrl: string;
  readonly cloneUrl: string;
  readonly forge: RunningForge | null;
}

/** GitHub where a token and a repository are configured, else a forge of our own on this machine. */
export async function connectRepositoryHost(
  config: KernelConfig,
  repository: GuardedRepository,
): Promise<Connection> {
  if (config.githubRepository !== undefined || config.githubToken !== undefined) {
    return await connectGitHub(config);
  }
  const name = safeName(basename(repository.directory));
  const forge = await startForgeProcess({
    directory: join(config.stateDir, "forge"),
    owner: "local",
    repository: name,
    seed: { gitDirectory: repository.gitDirectory, commit: repository.head },
  });
  return {
    kind: "forge",
    webUrl: forge.webUrl,
    cloneUrl: forge.cloneUrl,
    forge,
    target: {
      octokit: makeOctokit({ apiUrl: forge.apiUrl, token: forge.token, remote: false }),
      owner: "local",
      repo: name,
      baseBranch: "main",
      gitUrl: forge.cloneUrl,
      gitAuthorization: basic(forge.token),
    },
  };
}

async function connectGitHub(config: KernelConfig): Promise<Connection> {
  const { githubToken, githubRepository } = config;
  if (githubToken === undefined || githubRepository === undefined) {
    throw new Error(
      "GitHub needs both GITHUB_TOKEN and JARVIS_GITHUB_REPOSITORY=owner/name; set both, or neither to use the local forge.",
    );
  }
  const [owner = "", repo = ""] = githubRepository.split("/");
  const octokit = makeOctokit({ apiUrl: config.githubApiUrl, token: githubToken, remote: true });
  const { data } = await octokit.rest.repos.get({ owner, repo });
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

function basic(token: string): string {
  return `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
}

/** A repository name that GitHub would take. */
function safeName(name: string): string {
  const safe = name.replaceAll(/[^\w.-]+/g, "-").replaceAll(/^[.-]+|[.-]+$/g, "");
  return safe === "" ? "repository" : safe;
}
