import { lastSeenBase } from "./attestation.ts";
import { fetchBranch, hasCommit } from "./git/mirror.ts";
import { whenGitHubAnswers } from "./github-client.ts";
import { HostUnfit, type HostProblem } from "./host-problem.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { identityProblem } from "./repository-standing.ts";

/**
 * Fetches the base branch and answers where it stands. Another repository under the same name is not
 * fetched: its history would look like one that was rewritten.
 * @throws HostUnfit
 */
export async function fetchBase(
  world: Pick<PipelineWorld, "db" | "github" | "mirror">,
): Promise<string> {
  const { github, mirror } = world;
  const changed = await identityProblem(world);
  if (changed !== null) throw new HostUnfit(changed);
  const authorization = await github.gitAuthorization();
  return await fetchBranch(mirror, { url: github.gitUrl, authorization }, github.baseBranch);
}

/**
 * The base that a change is put on: the one that stands now, and while the host is away the one last
 * seen, so that verification goes on. Whether that still stands is asked again before anything lands.
 */
export async function baseToBuildOn(
  world: PipelineWorld,
): Promise<{ readonly sha: string } | { readonly problem: HostProblem }> {
  const fetched = await whenGitHubAnswers(async () => await fetchBase(world));
  if (fetched.answered) return { sha: fetched.value };
  const last = await lastSeenBase(world.db);
  const isKnown = last !== null && (await hasCommit(world.mirror, last));
  return isKnown ? { sha: last } : { problem: fetched.problem };
}
