import { randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { ForgeError } from "./forge-error.ts";
import { createGit, type Git } from "./git/git.ts";
import { History } from "./git/history.ts";
import { branchRef, isSha, type Sha } from "./git/names.ts";
import { ObjectStore } from "./git/objects.ts";
import { RefStore, type RefUpdate } from "./git/refs.ts";
import { seedRepository, type Seed } from "./git/seed.ts";
import { removeStaleLocks } from "./git/stale-locks.ts";
import { Mutex } from "./mutex.ts";
import { rulesOf, type BranchRules } from "./rules/branch-rules.ts";
import { META_REF, PROTECTION_REF, StateStore } from "./state/state-store.ts";
import type { MetaDocument, ProtectionsDocument } from "./state/documents.ts";

/** One bare repository and the ways to read and change it. */
export interface Repository {
  readonly owner: string;
  readonly name: string;
  readonly defaultBranch: string;
  readonly meta: Pick<MetaDocument, "repositoryId" | "createdAt">;
  readonly git: Git;
  readonly objects: ObjectStore;
  readonly refs: RefStore;
  readonly history: History;
  readonly state: StateStore;
  /** Held by whoever changes anything: decisions are made on what nobody else is changing. */
  readonly mutex: Mutex;
}

export interface RepositoryOptions {
  directory: string;
  owner: string;
  name: string;
  defaultBranch: string;
  seed: Seed | undefined;
  requiredStatuses: readonly string[];
  executablePath: string | undefined;
}

// `merge-tree --write-tree` computes merges without a work tree since this version.
const OLDEST_GIT = [2, 38] as const;

/** Opens the repository of a forge directory; makes, seeds and protects it when it is new. */
export async function openRepository(options: RepositoryOptions): Promise<Repository> {
  const git = createGit({
    gitDirectory: join(options.directory, "repository.git"),
    executablePath: options.executablePath,
  });
  await checkVersion(git);
  await removeStaleLocks(git.gitDirectory);
  const objects = new ObjectStore(git);
  const refs = new RefStore(git);
  const state = new StateStore(objects, refs);

  await mkdir(git.gitDirectory, { recursive: true, mode: 0o700 });
  // Safe on a repository that exists, and completes one whose making was interrupted.
  await git.run(["init", "--quiet", "--bare", "--template=", git.gitDirectory]);
  const known = await state.meta();
  // Every status is a ref; thousands of loose ones would slow down every listing.
  if (known !== undefined) await git.run(["pack-refs", "--all"]);
  const meta = known ?? { document: await setUp(git, objects, refs, options) };
  return {
    owner: options.owner,
    name: options.name,
    defaultBranch: options.defaultBranch,
    meta: meta.document,
    git,
    objects,
    refs,
    history: new History(git, objects),
    state,
    mutex: new Mutex(),
  };
}

/** What a branch is held to now; undefined where nothing holds it. */
export async function rulesFor(
  repository: Repository,
  branch: string | undefined,
): Promise<BranchRules | undefined> {
  const { state, defaultBranch } = repository;
  const protections = (await state.protections()).document;
  const rulesets = (await state.rulesets()).document;
  return rulesOf(branch, { protections, rulesets, defaultBranch });
}

/** The branch, its protection and the mark that the repository is set up appear together. */
async function setUp(
  git: Git,
  objects: ObjectStore,
  refs: RefStore,
  options: RepositoryOptions,
): Promise<MetaDocument> {
  await git.run(["symbolic-ref", "HEAD", branchRef(options.defaultBranch)]);
  const meta: MetaDocument = {
    version: 1,
    repositoryId: randomInt(1, 2 ** 31),
    createdAt: new Date().toISOString(),
    nextId: 1,
  };
  const protections: ProtectionsDocument =
    options.requiredStatuses.length === 0
      ? {}
      : {
          [options.defaultBranch]: {
            requiredStatuses: { strict: true, contexts: [...options.requiredStatuses] },
            enforceAdmins: true,
          },
        };
  const updates: RefUpdate[] = [];
  if (options.seed !== undefined) {
    const commit = await seedRepository(git, options.seed, options.executablePath);
    updates.push({ ref: branchRef(options.defaultBranch), old: undefined, new: commit });
  }
  for (const [ref, document] of [
    [PROTECTION_REF, protections],
    [META_REF, meta],
  ] as const) {
    const blob = await objects.write("blob", `${JSON.stringify(document, null, 1)}\n`);
    updates.push({ ref, old: undefined, new: blob });
  }
  await refs.update(updates);
  return meta;
}

async function checkVersion(git: Git): Promise<void> {
  const text = await git.text(["version"]);
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/u.exec(text)?.slice(1) ?? []).map(Number);
  const [wantedMajor, wantedMinor] = OLDEST_GIT;
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    throw new ForgeError(
      "git-too-old",
      `git ${OLDEST_GIT.join(".")} or newer is needed, got ${text}`,
    );
  }
}

/**
 * The commit a client means by a branch, a tag, `heads/x`, `tags/x`, a full ref, a commit id or the
 * beginning of one. Names only: git's own revision language (`HEAD~3`, `:/text`) is not spoken.
 */
export async function resolveCommit(
  repository: Repository,
  name: string,
): Promise<Sha | undefined> {
  const commitOf = async (revision: string): Promise<Sha | undefined> => {
    const sha = await repository.git.text(
      ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`],
      { okCodes: [1, 128] },
    );
    return isSha(sha) ? sha : undefined;
  };
  const isCommit = async (sha: Sha): Promise<boolean> =>
    (await repository.objects.read(sha))?.type === "commit";
  if (isSha(name)) return (await isCommit(name)) ? name : commitOf(name);
  // Refs are looked up here and not by git: this may be the repository of an earlier moment.
  const candidates =
    name === "HEAD"
      ? [branchRef(repository.defaultBranch)]
      : [`refs/heads/${name}`, `refs/tags/${name}`, `refs/${name}`, name].filter((ref) =>
          /^refs\/(?:heads|tags|pull)\/./u.test(ref),
        );
  for (const ref of candidates) {
    const found = await repository.refs.get(ref);
    if (found !== undefined) return (await isCommit(found)) ? found : commitOf(found);
  }
  return /^[0-9a-f]{7,39}$/u.test(name) ? commitOf(name) : undefined;
}
