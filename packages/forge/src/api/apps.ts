import { Problem } from "../problem.ts";
import { renderApp, renderInstallation, renderInstallationToken } from "../render/app.ts";
import type { World } from "../world.ts";
import { created, ok, operation } from "./operation.ts";

/** What an app asks with its own signature, before it has a token. */
export const appOperations = [
  operation("apps/get-authenticated", "GET", "/app", async (_, world) =>
    ok(renderApp(world, requireApp(world))),
  ),

  operation(
    "apps/get-installation",
    "GET",
    "/app/installations/{installation_id}",
    async ({ parameters }, world) => {
      requireInstallation(world, parameters.installation_id);
      return ok(renderInstallation(world, requireApp(world)));
    },
  ),

  operation(
    "apps/create-installation-access-token",
    "POST",
    "/app/installations/{installation_id}/access_tokens",
    async ({ parameters }, world) => {
      requireInstallation(world, parameters.installation_id);
      return created(renderInstallationToken(requireApp(world).tokens.issue()));
    },
  ),

  operation(
    "apps/get-repo-installation",
    "GET",
    "/repos/{owner}/{repo}/installation",
    async (_, world) => ok(renderInstallation(world, requireApp(world))),
  ),
];

function requireApp({ app }: World) {
  // Nobody comes here without the app's signature.
  if (app === undefined) throw new Problem(404, "Not Found");
  return app;
}

function requireInstallation(world: World, id: string): void {
  if (id !== String(requireApp(world).installationId)) throw new Problem(404, "Not Found");
}
