import type { JarvisDatabase } from "@jarvis/db";
import type { ExecutionPermit } from "@jarvis/operator-core";
import { whenGitHubAnswers } from "./github-client.ts";
import { statusOf, type HostProblem } from "./host-problem.ts";
import type { GitHubTarget } from "./pipeline-world.ts";
import { addMarker, ownerOf, readMarker, type OwnerMarker } from "./repository-owner.ts";
import {
  readRepositoryRecord,
  rememberMarker,
  rememberRepository,
  type RepositoryFacts,
  type RepositoryRecord,
} from "./repository-record.ts";

interface Place {
  readonly db: JarvisDatabase;
  readonly github: GitHubTarget;
}

/**
 * Whether the repository is still the one that was connected, and whether this database is the one
 * that promotes to it. Null where nothing speaks against it; nobody owning it yet does not.
 */
export async function repositoryProblem(place: Place): Promise<HostProblem | null> {
  const changed = await identityProblem(place);
  if (changed !== null) return changed;
  const marker = await readMarker(place.github);
  if (marker === null || (await isOurs(place, marker))) return null;
  return owned(place.github);
}

/** The part of it that is about the repository and not about who promotes there. */
export async function identityProblem({ db, github }: Place): Promise<HostProblem | null> {
  const facts = await readRepositoryFacts(github);
  if ("problem" in facts) return facts.problem;
  const changed = describeChange(await rememberRepository(db, facts), facts);
  return changed === null ? null : problem("repository-identity-changed", changed);
}

/**
 * The same, and where nobody owns the repository yet this database does from here on. Changes the
 * host, so it is for who was let promote.
 */
export async function claimRepository(
  place: Place,
  _permit: ExecutionPermit,
): Promise<HostProblem | null> {
  const changed = await identityProblem(place);
  if (changed !== null) return changed;
  const { instanceId } = await requireRecord(place.db);
  const marker = (await readMarker(place.github)) ?? (await addMarker(place.github, 1, instanceId));
  return (await isOurs(place, marker)) ? null : owned(place.github);
}

/** One request: whether the host can be worked with at all, whatever it says of the repository. */
export async function hostAnswers(place: Place): Promise<boolean> {
  const answer = await whenGitHubAnswers(async () => await identityProblem(place));
  const found = answer.answered ? answer.value : answer.problem;
  return found?.reason !== "github-not-connected";
}

/** What the host says of the repository; the problem where it knows none of that name. */
export async function readRepositoryFacts(
  github: Pick<GitHubTarget, "octokit" | "owner" | "repo">,
): Promise<RepositoryFacts | { readonly problem: HostProblem }> {
  const { octokit, owner, repo } = github;
  try {
    const { data } = await octokit.rest.repos.get({ owner, repo });
    return {
      repositoryId: data.id,
      owner: data.owner.login,
      repo: data.name,
      baseBranch: data.default_branch,
      webUrl: data.html_url,
      cloneUrl: data.clone_url,
    };
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    const detail = `The repository host knows no repository ${owner}/${repo} for this credential; check JARVIS_GITHUB_REPOSITORY and what the credential may read.`;
    return { problem: problem("github-not-connected", detail) };
  }
}

/** What is no longer as it was connected, in a sentence; null where all is. */
function describeChange(record: RepositoryRecord, facts: RepositoryFacts): string | null {
  const mend = "Look at what happened there; `jarvis takeover --reason TEXT` accepts it.";
  if (facts.repositoryId !== record.repositoryId) {
    return `The repository ${facts.owner}/${facts.repo} has the id ${facts.repositoryId}, connected was ${record.repositoryId}: it is another one. ${mend}`;
  }
  if (facts.baseBranch !== record.baseBranch) {
    return `The default branch is ${facts.baseBranch}, connected was ${record.baseBranch}. ${mend}`;
  }
  return null;
}

/** Known by its commit; read only where it is a new one, such as ours whose answer was lost. */
async function isOurs({ db, github }: Place, marker: OwnerMarker): Promise<boolean> {
  const record = await requireRecord(db);
  if (marker.sha === record.markerSha) return true;
  if ((await ownerOf(github, marker.sha)) !== record.instanceId) return false;
  await rememberMarker(db, marker.sha);
  return true;
}

async function requireRecord(db: JarvisDatabase): Promise<RepositoryRecord> {
  const record = await readRepositoryRecord(db);
  if (record === null) throw new Error("the row of the connected repository is gone");
  return record;
}

function owned({ owner, repo }: GitHubTarget): HostProblem {
  return problem(
    "repository-owned",
    `Another instance of Jarvis, with another database, promotes to ${owner}/${repo}; stop it and run \`jarvis takeover --reason TEXT\`.`,
  );
}

function problem(reason: HostProblem["reason"], detail: string): HostProblem {
  return { reason, detail, retryAt: null };
}
