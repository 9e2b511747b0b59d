import { z } from "zod";

import { ForgeError } from "../forge-error.ts";
import { branchOf, isRefName, isSha, type Sha } from "../git/names.ts";
import { encodePath, nodeId, type Links } from "../render/links.ts";
import type { GitHubRef } from "../render/github-types.ts";
import { notFound, Problem, PROTECTED_BRANCHES_DOCUMENTATION } from "../problem.ts";
import { rulesFor, type Repository } from "../repository.ts";
import { decideRefMove } from "../rules/ref-move.ts";
import { unmetStatuses } from "../rules/required-statuses.ts";
import type { World } from "../world.ts";
import { parseBody } from "./body.ts";
import { created, noContent, ok, operation } from "./operation.ts";
import { paginate } from "./paginate.ts";

const CreateRef = z.object({ ref: z.string(), sha: z.string() });
const UpdateRef = z.object({ sha: z.string(), force: z.boolean().optional() });

export const refOperations = [
  operation("git/get-ref", "GET", "/repos/{owner}/{repo}/git/ref/{ref}", async (request, world) => {
    const name = `refs/${request.parameters.ref}`;
    const sha = isVisible(name) ? await world.repository.refs.get(name) : undefined;
    if (sha === undefined) throw notFound();
    return ok(await renderRef(world, name, sha));
  }),

  operation(
    "git/list-matching-refs",
    "GET",
    "/repos/{owner}/{repo}/git/matching-refs/{ref}",
    async (request, world) => {
      const prefix = `refs/${request.parameters.ref}`;
      // Whole namespaces: of a part of a name alone, everything is listed.
      const namespace = /^refs\/[^/]+(?=\/)/u.exec(prefix)?.[0];
      const refs = await world.repository.refs.list(
        ...(namespace === undefined ? [] : [namespace]),
      );
      const matching = [...refs].filter(([name]) => isVisible(name) && name.startsWith(prefix));
      return paginate(request, matching, ([name, sha]) => renderRef(world, name, sha));
    },
  ),

  operation("git/create-ref", "POST", "/repos/{owner}/{repo}/git/refs", async (request, world) => {
    const { repository } = world;
    const { ref, sha } = parseBody(CreateRef, request.body);
    if (!isWritable(ref)) throw new Problem(422, `${ref} is not a valid ref name.`);
    await requireTarget(repository, ref, sha);
    if ((await repository.refs.get(ref)) !== undefined) {
      throw new Problem(422, "Reference already exists");
    }
    await moveRef(repository, ref, undefined, sha);
    return created(await renderRef(world, ref, sha));
  }),

  operation(
    "git/update-ref",
    "PATCH",
    "/repos/{owner}/{repo}/git/refs/{ref}",
    async (request, world) => {
      const { repository } = world;
      const ref = `refs/${request.parameters.ref}`;
      const { sha, force = false } = parseBody(UpdateRef, request.body);
      const old = isWritable(ref) ? await repository.refs.get(ref) : undefined;
      if (old === undefined) throw new Problem(422, "Reference does not exist");
      await requireTarget(repository, ref, sha);
      await requireAllowed(repository, { ref, old, new: sha, force });
      await moveRef(repository, ref, old, sha);
      return ok(await renderRef(world, ref, sha));
    },
  ),

  operation(
    "git/delete-ref",
    "DELETE",
    "/repos/{owner}/{repo}/git/refs/{ref}",
    async (request, { repository }) => {
      const ref = `refs/${request.parameters.ref}`;
      const old = isWritable(ref) ? await repository.refs.get(ref) : undefined;
      if (old === undefined) throw new Problem(422, "Reference does not exist");
      if (branchOf(ref) === repository.defaultBranch) {
        throw new Problem(422, "Cannot delete the default branch");
      }
      await requireAllowed(repository, { ref, old, new: undefined, force: false });
      await moveRef(repository, ref, old, undefined);
      return noContent;
    },
  ),
];

/** Gathers what {@link decideRefMove} needs and turns its refusal into a response. */
async function requireAllowed(
  repository: Repository,
  move: { ref: string; old: Sha; new: Sha | undefined; force: boolean },
): Promise<void> {
  const rules = await rulesFor(repository, branchOf(move.ref));
  const decision = decideRefMove({
    old: move.old,
    new: move.new,
    force: move.force,
    fastForward: move.new !== undefined && (await isFastForward(repository, move.old, move.new)),
    rules,
    unmetStatuses:
      rules === undefined || move.new === undefined
        ? undefined
        : unmetStatuses(rules, (await repository.state.statuses(move.new)).document),
  });
  if (decision.allowed) return;
  throw new Problem(
    422,
    decision.reason,
    decision.protectedBranch ? { documentationUrl: PROTECTED_BRANCHES_DOCUMENTATION } : {},
  );
}

/** Tags may name objects that have no history; those move by force only. */
async function isFastForward(repository: Repository, old: Sha, target: Sha): Promise<boolean> {
  const objects = await repository.objects.readMany([old, target]);
  if (objects.some((object) => object?.type !== "commit")) return old === target;
  return repository.history.isAncestor(old, target);
}

/** A branch points at a commit, a tag at anything that exists. */
async function requireTarget(repository: Repository, ref: string, sha: string): Promise<void> {
  const object = isSha(sha) ? await repository.objects.read(sha) : undefined;
  if (object === undefined) throw new Problem(422, "Object does not exist");
  if (branchOf(ref) !== undefined && object.type !== "commit") {
    throw new Problem(422, "Object is not a commit");
  }
}

async function moveRef(
  repository: Repository,
  ref: string,
  old: Sha | undefined,
  target: Sha | undefined,
): Promise<void> {
  try {
    await repository.refs.update([{ ref, old, new: target }]);
  } catch (error) {
    // `a` beside `a/b`, or somebody who writes to the repository without the forge.
    if (error instanceof ForgeError && error.code === "ref-conflict") {
      throw new Problem(422, "Reference update failed");
    }
    throw error;
  }
}

/** Any namespace, as on GitHub, but the one in which the forge keeps what is its own. */
function isVisible(ref: string): boolean {
  return isRefName(ref) && /^refs\/(?!forge\/)[^/]+\//u.test(ref);
}

/** `refs/pull` is written by the forge alone. */
function isWritable(ref: string): boolean {
  return isVisible(ref) && !ref.startsWith("refs/pull/");
}

async function renderRef(world: World, ref: string, sha: Sha): Promise<GitHubRef> {
  const { links, repository } = world;
  const type = (await repository.objects.read(sha))?.type ?? "commit";
  return {
    ref,
    node_id: nodeId("Ref", ref),
    url: `${links.repository}/git/${encodePath(ref)}`,
    object: { type, sha, url: objectUrl(links, type, sha) },
  };
}

function objectUrl(links: Links, type: string, sha: Sha): string {
  return `${links.repository}/git/${type}s/${sha}`;
}
