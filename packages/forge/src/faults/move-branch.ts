import { formatCommit } from "../git/commit.ts";
import { branchRef, type Sha } from "../git/names.ts";
import { editTree } from "../git/tree.ts";
import { readCommit } from "../api/commits-of.ts";
import type { Repository } from "../repository.ts";
import type { Fault } from "./fault.ts";

type Move = Extract<Fault, { kind: "move-branch" }>;

const OUTSIDER = { name: "Somebody Else", email: "somebody-else@example.com" };

/** Moves a branch past all protection. The caller holds the mutex. Throws when it cannot be moved. */
export async function moveBranch(repository: Repository, { branch, to }: Move): Promise<void> {
  const ref = branchRef(branch);
  const old = await repository.refs.get(ref);
  if (old === undefined) throw new Error(`fault: there is no branch ${branch} to move`);
  await repository.refs.update([{ ref, old, new: await findTarget(repository, old, to) }]);
}

async function findTarget(repository: Repository, tip: Sha, to: Move["to"]): Promise<Sha> {
  if (to === "new-commit") return commitOnTop(repository, tip);
  if ("sha" in to) {
    if ((await readCommit(repository, to.sha)) !== undefined) return to.sha;
    throw new Error(`fault: ${to.sha} is no commit here`);
  }
  let sha = tip;
  for (let steps = to.rewind; steps > 0; steps -= 1) {
    const parent = (await readCommit(repository, sha))?.parents[0];
    if (parent === undefined) throw new Error(`fault: ${sha} has no parent to rewind to`);
    sha = parent;
  }
  return sha;
}

/** With a file of its own: a tree that nobody has looked at. */
async function commitOnTop(repository: Repository, tip: Sha): Promise<Sha> {
  const { objects } = repository;
  const commit = await readCommit(repository, tip);
  if (commit === undefined) throw new Error(`fault: ${tip} is no commit`);
  const file = await objects.write("blob", `${tip}\n`);
  const edit = { path: "somebody-else.txt", entry: { mode: "100644" as const, sha: file } };
  const tree = (await editTree(objects, commit.tree, [edit])) ?? commit.tree;
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const author = { ...OUTSIDER, timestampSeconds, offset: "+0000" };
  const message = "Change something from outside\n";
  const bytes = formatCommit({ tree, parents: [tip], author, committer: author, message });
  return objects.write("commit", bytes);
}
