import { z } from "zod";

import { branchRef, isRefName } from "../git/names.ts";
import { notFound, Problem } from "../problem.ts";
import { renderBranch, renderProtection, renderShortBranch } from "../render/branch.ts";
import { renderCommit } from "../render/commit.ts";
import type { Repository } from "../repository.ts";
import type { ProtectionDocument } from "../state/documents.ts";
import type { Actor } from "../actor.ts";
import { parseBody } from "./body.ts";
import { readCommit } from "./commits-of.ts";
import { noContent, ok, operation } from "./operation.ts";
import { paginate } from "./paginate.ts";

const off = z.literal(false).nullable().optional();

// GitHub wants the first four keys, null for a rule that is off. What is not known here is refused
// and not ignored: a rule that nobody holds is worse than none.
const UpdateProtection = z.object({
  required_status_checks: z
    .object({
      strict: z.boolean(),
      contexts: z.array(z.string().min(1)),
      checks: z
        .array(z.object({ context: z.string().min(1), app_id: z.number().int().optional() }))
        .optional(),
    })
    .nullable(),
  required_linear_history: off,
  allow_force_pushes: off,
  allow_deletions: off,
  block_creations: off,
  required_conversation_resolution: off,
  lock_branch: off,
  allow_fork_syncing: off,
  enforce_admins: z.boolean().nullable(),
  required_pull_request_reviews: z.unknown().nullable(),
  restrictions: z.unknown().nullable(),
});

const PROTECTION = "/repos/{owner}/{repo}/branches/{branch}/protection";

export const branchOperations = [
  operation("repos/get-branch-protection", "GET", PROTECTION, async (request, world) => {
    const { repository, links } = world;
    const { branch } = request.parameters;
    // Reading it takes the permission `administration`, which the app was not given.
    if (request.actor.means === "installation") {
      throw new Problem(403, "Resource not accessible by integration");
    }
    const protection = (await repository.state.protections()).document[branch];
    if (protection === undefined) throw new Problem(404, "Branch not protected");
    return ok(renderProtection(links, branch, protection));
  }),

  operation("repos/update-branch-protection", "PUT", PROTECTION, async (request, world) => {
    const { repository, links } = world;
    const { branch } = request.parameters;
    requireAdministrator(request.actor);
    await requireBranch(repository, branch);
    const body = parseBody(UpdateProtection, request.body);
    if (body.required_pull_request_reviews !== null || body.restrictions !== null) {
      throw new Problem(
        422,
        "This forge knows no reviews and no restrictions: send null for both.",
      );
    }
    const protection: ProtectionDocument = {
      requiredStatuses: readChecks(body.required_status_checks),
      enforceAdmins: body.enforce_admins ?? false,
    };
    await writeProtection(repository, branch, protection);
    return ok(renderProtection(links, branch, protection));
  }),

  operation("repos/delete-branch-protection", "DELETE", PROTECTION, async (request, world) => {
    const { repository } = world;
    const { branch } = request.parameters;
    requireAdministrator(request.actor);
    if ((await repository.state.protections()).document[branch] === undefined) {
      throw new Problem(404, "Branch not protected");
    }
    await writeProtection(repository, branch, undefined);
    return noContent;
  }),

  operation(
    "repos/list-branches",
    "GET",
    "/repos/{owner}/{repo}/branches",
    async (request, { repository, links }) => {
      const protections = (await repository.state.protections()).document;
      const refs = await repository.refs.list("refs/heads");
      const wanted = request.query.get("protected");
      const branches = [...refs]
        .map(([ref, sha]) => ({ name: ref.slice("refs/heads/".length), sha }))
        .filter(
          ({ name }) => wanted === null || String(protections[name] !== undefined) === wanted,
        );
      return paginate(request, branches, ({ name, sha }) =>
        renderShortBranch(links, name, sha, protections[name]),
      );
    },
  ),

  operation(
    "repos/get-branch",
    "GET",
    "/repos/{owner}/{repo}/branches/{branch}",
    async (request, { repository, links }) => {
      const { branch } = request.parameters;
      const commit = await readCommit(repository, await requireBranch(repository, branch));
      if (commit === undefined) throw new Problem(404, "Branch not found");
      const protection = (await repository.state.protections()).document[branch];
      return ok(renderBranch(links, branch, renderCommit(links, commit), protection));
    },
  ),
];

function readChecks(
  given: z.infer<typeof UpdateProtection>["required_status_checks"],
): ProtectionDocument["requiredStatuses"] {
  if (given === null) return null;
  const checks = given.checks ?? [];
  // -1 is GitHub's way to say that anybody's status counts.
  const bound = checks.flatMap(({ context, app_id: app = -1 }) =>
    app === -1 ? [] : [[context, app] as const],
  );
  return {
    strict: given.strict,
    contexts: [...new Set([...given.contexts, ...checks.map(({ context }) => context)])],
    ...(bound.length === 0 ? {} : { apps: Object.fromEntries(bound) }),
  };
}

async function requireBranch(repository: Repository, branch: string): Promise<string> {
  if (!isRefName(branch)) throw notFound();
  const sha = await repository.refs.get(branchRef(branch));
  if (sha === undefined) throw new Problem(404, "Branch not found");
  return sha;
}

/** The pipeline's token must not be able to loosen the rules that the pipeline is held to. */
export function requireAdministrator(actor: Actor): void {
  if (!actor.administrator) throw new Problem(403, "Resource not accessible by integration");
}

async function writeProtection(
  repository: Repository,
  branch: string,
  protection: ProtectionDocument | undefined,
): Promise<void> {
  const stored = await repository.state.protections();
  const { [branch]: _, ...others } = stored.document;
  const document = protection === undefined ? others : { ...others, [branch]: protection };
  await repository.refs.update([await repository.state.change(stored, document)]);
}
