import type { JarvisDatabase } from "@jarvis/db";
import { whenGitHubAnswers } from "./github-client.ts";
import { makeGitHubTarget } from "./github-target.ts";
import {
  appCredentials,
  fixedToken,
  tokenInFile,
  type HostCredentials,
} from "./host-credentials.ts";
import { HostUnfit } from "./host-problem.ts";
import { isLoopback } from "./loopback.ts";
import type { GitHubTarget } from "./pipeline-world.ts";
import {
  readRepositoryRecord,
  rememberRepository,
  type RepositoryRecord,
} from "./repository-record.ts";
import { readRepositoryFacts } from "./repository-standing.ts";

/** How GitHub was configured; everything undefined means not at all. */
export interface GitHubSettings {
  readonly apiUrl: string;
  /** `owner/name` */
  readonly repository: string | undefined;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly appId: string | undefined;
  readonly appInstallationId: number | undefined;
  readonly appPrivateKeyFile: string | undefined;
}

/** What is configured of GitHub does not fit together; the message says what to set. */
export class GitHubSettingsError extends Error {
  override readonly name = "GitHubSettingsError";
}

/** True where anything says that GitHub is meant, complete or not. */
export function wantsGitHub(settings: GitHubSettings): boolean {
  const { apiUrl: _, ...given } = settings;
  return Object.values(given).some((value) => value !== undefined);
}

/**
 * The one credential that is configured.
 * @throws GitHubSettingsError where there is none, half of one, or more than one
 */
export function hostCredentials(settings: GitHubSettings): HostCredentials {
  const { apiUrl, token, tokenFile, appId, appInstallationId, appPrivateKeyFile } = settings;
  const app = [appId, appInstallationId, appPrivateKeyFile];
  const isApp = app.some((value) => value !== undefined);
  if ([token !== undefined, tokenFile !== undefined, isApp].filter(Boolean).length > 1) {
    throw new GitHubSettingsError(
      "Set one of GITHUB_TOKEN, GITHUB_TOKEN_FILE and GITHUB_APP_ID, so that it is clear who writes.",
    );
  }
  if (token !== undefined) return fixedToken(token);
  if (tokenFile !== undefined) return tokenInFile(tokenFile);
  if (appId === undefined || appInstallationId === undefined || appPrivateKeyFile === undefined) {
    throw new GitHubSettingsError(
      isApp
        ? "A GitHub App needs GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY_FILE."
        : "GitHub needs both GITHUB_TOKEN and JARVIS_GITHUB_REPOSITORY=owner/name; set both, or neither to use the local forge. GITHUB_TOKEN_FILE or a GitHub App can stand for the token.",
    );
  }
  return appCredentials({
    apiUrl,
    appId,
    installationId: appInstallationId,
    privateKeyFile: appPrivateKeyFile,
  });
}

export interface GitHubConnected {
  readonly target: GitHubTarget;
  readonly record: RepositoryRecord;
  /** Why the host could not be asked this time; null where it answered. */
  readonly problem: string | null;
}

/**
 * Connects the repository that is configured. The first time the host has to answer, and what it says
 * is recorded; later the record is enough, so that verification goes on while GitHub is away, and
 * whatever is another than it was keeps changes from landing and not Jarvis from starting.
 * @throws GitHubSettingsError, HostUnfit
 */
export async function connectGitHub(
  db: JarvisDatabase,
  settings: GitHubSettings,
): Promise<GitHubConnected> {
  const credentials = hostCredentials(settings);
  const { apiUrl, repository } = settings;
  if (repository === undefined) {
    throw new GitHubSettingsError(
      "GitHub needs both GITHUB_TOKEN and JARVIS_GITHUB_REPOSITORY=owner/name; set both, or neither to use the local forge.",
    );
  }
  const [owner = "", repo = ""] = repository.split("/");
  // A host on this machine needs no politeness between requests.
  const remote = !isLoopback(new URL(apiUrl).hostname);
  const place = { apiUrl, owner, repo, remote };
  const asking = makeGitHubTarget({ ...place, baseBranch: "", gitUrl: "" }, credentials);
  const answer = await whenGitHubAnswers(async () => await readRepositoryFacts(asking));
  const facts = answer.answered ? answer.value : { problem: answer.problem };
  const connected = (record: RepositoryRecord, problem: string | null): GitHubConnected => {
    const { baseBranch, cloneUrl: gitUrl } = record;
    const target = makeGitHubTarget({ ...place, baseBranch, gitUrl }, credentials);
    return { target, record, problem };
  };
  if (!("problem" in facts)) return connected(await rememberRepository(db, facts), null);
  const record = await readRepositoryRecord(db);
  if (record === null || !isOf(record, { owner, repo })) throw new HostUnfit(facts.problem);
  return connected(record, facts.problem.detail);
}

function isOf(record: RepositoryRecord, named: { owner: string; repo: string }): boolean {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  return same(record.owner, named.owner) && same(record.repo, named.repo);
}
