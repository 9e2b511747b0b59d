import type { GitHubRateLimit } from "../render/github-types.ts";
import { renderRepository } from "../render/repository.ts";
import { renderRoot } from "../render/root.ts";
import { renderAuthenticatedUser } from "../render/user.ts";
import { ok, operation } from "./operation.ts";

// Asking what is left costs nothing, and is answered when nothing is left.
export const RATE_LIMIT_PATH = "/rate_limit";

export const metaOperations = [
  operation("meta/root", "GET", "/", async (_, { links }) => ok(renderRoot(links))),

  operation("users/get-authenticated", "GET", "/user", async (request, { repository, links }) =>
    ok(renderAuthenticatedUser(links, request.actor, repository.meta.createdAt)),
  ),

  operation("rate-limit/get", "GET", RATE_LIMIT_PATH, async (request, { limits }) => {
    const { limit, used, remaining, resetSeconds } = limits.primary.state(request.actor.login);
    const core = { limit, used, remaining, reset: resetSeconds };
    return ok({ resources: { core, search: core }, rate: core } satisfies GitHubRateLimit);
  }),

  operation("repos/get", "GET", "/repos/{owner}/{repo}", async (request, { repository, links }) =>
    ok(renderRepository(repository, links, request.actor)),
  ),
];
