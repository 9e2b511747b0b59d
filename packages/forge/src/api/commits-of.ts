import { parseCommit, type Commit } from "../git/commit.ts";
import { isSha, type Sha } from "../git/names.ts";
import { notFound, Problem } from "../problem.ts";
import { resolveCommit, type Repository } from "../repository.ts";

export async function readCommits(repository: Repository, shas: readonly Sha[]): Promise<Commit[]> {
  const objects = await repository.objects.readMany(shas);
  return objects.flatMap((object) => (object?.type === "commit" ? [parseCommit(object)] : []));
}

export async function readCommit(repository: Repository, sha: Sha): Promise<Commit | undefined> {
  return (await readCommits(repository, [sha]))[0];
}

/** The commit that a name in a path means, or GitHub's refusal for names that mean none. */
export async function requireCommit(repository: Repository, name: string): Promise<Sha> {
  const sha = await resolveCommit(repository, name);
  if (sha !== undefined) return sha;
  throw isSha(name) || /^[0-9a-f]{7,40}$/u.test(name)
    ? new Problem(422, `No commit found for SHA: ${name}`)
    : notFound();
}
