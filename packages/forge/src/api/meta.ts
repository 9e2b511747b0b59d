import { knownActor, type Actor } from "../actor.ts";
import { notFound, Problem } from "../problem.ts";
import type { GitHubRateLimit } from "../render/github-types.ts";
import { renderRepository } from "../render/repository.ts";
import { renderRoot } from "../render/root.ts";
import { renderAuthenticatedUser, renderPublicUser } from "../render/user.ts";
import { ok, operation } from "./operation.ts";

// Asking what is left costs nothing, and is answered when nothing is left.
export const RATE_LIMIT_PATH = "/rate_limit";

export const metaOperations = [
  operation("meta/root", "GET", "/", async (_, { links }) => ok(renderRoot(links))),

  operation("users/get-authenticated", "GET", "/user", async (request, { repository, links }) => {
    requireUser(request.actor);
    return ok(renderAuthenticatedUser(links, request.actor, repository.meta.createdAt));
  }),

  operation("users/get-by-username", "GET", "/users/{username}", async (request, world) => {
    const actor = knownActor(request.parameters.username);
    if (actor === undefined) throw notFound();
    return ok(renderPublicUser(world.links, actor, world.repository.meta.createdAt));
  }),

  operation("rate-limit/get", "GET", RATE_LIMIT_PATH, async (request, { limits }) => {
    const { limit, used, remaining, resetSeconds } = limits.primary.state(request.actor.login);
    const core = { limit, used, remaining, reset: resetSeconds };
    return ok({ resources: { core, search: core }, rate: core } satisfies GitHubRateLimit);
  }),

  operation("repos/get", "GET", "/repos/{owner}/{repo}", async (request, { repository, links }) =>
    ok(renderRepository(repository, links, request.actor)),
  ),
];

/** An installation is nobody: it has no `/user`. */
function requireUser(actor: Actor): void {
  if (actor.means === "installation") {
    throw new Problem(403, "Resource not accessible by integration");
  }
}
