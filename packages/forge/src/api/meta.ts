import type { GitHubRateLimit } from "../render/github-types.ts";
import { renderRepository } from "../render/repository.ts";
import { renderAuthenticatedUser } from "../render/user.ts";
import { ok, operation } from "./operation.ts";

export const metaOperations = [
  operation("meta/root", "GET", "/", async (_, { links }) =>
    ok({
      current_user_url: `${links.api}/user`,
      rate_limit_url: `${links.api}/rate_limit`,
      repository_url: `${links.api}/repos/{owner}/{repo}`,
    }),
  ),

  operation("users/get-authenticated", "GET", "/user", async (request, { repository, links }) =>
    ok(renderAuthenticatedUser(links, request.actor, repository.meta.createdAt)),
  ),

  operation("rate-limit/get", "GET", "/rate_limit", async (request, { rateLimit }) => {
    const used = rateLimit.used(request.actor.login);
    const { limit } = rateLimit;
    const core = { limit, used, remaining: limit - used, reset: rateLimit.resetSeconds() };
    return ok({ resources: { core, search: core }, rate: core } satisfies GitHubRateLimit);
  }),

  operation("repos/get", "GET", "/repos/{owner}/{repo}", async (request, { repository, links }) =>
    ok(renderRepository(repository, links, request.actor)),
  ),
];
