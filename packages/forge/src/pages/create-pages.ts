import { Hono, type Context } from "hono";

import type { Authenticate } from "../actor.ts";
import { readCommit } from "../api/commits-of.ts";
import { parentOrNothing, textOf } from "../api/commits.ts";
import { currentBase } from "../api/pull-facts.ts";
import type { Sha } from "../git/names.ts";
import type { Repository } from "../repository.ts";
import type { RequestLog } from "../request-log.ts";
import type { World } from "../world.ts";
import { notFoundPage, textHeaders } from "./layout.ts";
import { commitPage, pullPage, startPage } from "./views.ts";

export interface PagesOptions {
  world: World;
  authenticate: Authenticate;
  requestLog: RequestLog;
}

/**
 * Plain pages for a person with a browser on this machine. Loopback is shared with every user of the
 * machine, so what opens without the token is what a status line would say: titles, branches, states
 * and checks. Code (`.diff`, `.patch`) asks for the token, as the password of a Basic login.
 */
export function createPages({ world, authenticate, requestLog }: PagesOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    requestLog.record({
      method: context.req.method,
      path: new URL(context.req.url).pathname,
      status: context.res.status,
      mutation: false,
      actor: authenticate(context.req.header("authorization"))?.login ?? null,
    });
  });
  app.onError(() => new Response("The forge failed to make this page.\n", { status: 500 }));
  app.notFound(() => notFoundPage());
  const base = `/${encodeURIComponent(world.repository.owner)}/${encodeURIComponent(world.repository.name)}`;
  app.get("/", (context) => context.redirect(world.links.web));
  app.get(base, () => startPage(world));
  app.get(`${base}/pull/:number{[0-9]+}`, (context) =>
    pullPage(world, context.req.param("number")),
  );
  app.get(`${base}/commit/:sha{[0-9a-f]+}`, (context) =>
    commitPage(world, context.req.param("sha")),
  );
  app.get(`${base}/pull/:file{[0-9]+\\.(?:diff|patch)}`, (context) =>
    changeText(
      context,
      authenticate,
      context.req.param("file"),
      async (number) => {
        const pull = (await world.repository.state.pull(Number(number)))?.document;
        if (pull === undefined) return undefined;
        const from = await world.repository.history.mergeBase(
          await currentBase(world, pull),
          pull.headSha,
        );
        return from === undefined ? undefined : { from, to: pull.headSha };
      },
      world.repository,
    ),
  );
  app.get(`${base}/commit/:file{[0-9a-f]+\\.(?:diff|patch)}`, (context) =>
    changeText(
      context,
      authenticate,
      context.req.param("file"),
      async (sha) => {
        const commit = await readCommit(world.repository, sha);
        return commit === undefined ? undefined : { from: parentOrNothing(commit), to: commit.sha };
      },
      world.repository,
    ),
  );
  return app;
}

/** Code, as text that no browser runs, for who has the token. */
async function changeText(
  context: Context,
  authenticate: Authenticate,
  file: string,
  find: (name: string) => Promise<{ from: Sha; to: Sha } | undefined>,
  repository: Repository,
): Promise<Response> {
  if (authenticate(context.req.header("authorization")) === undefined) {
    return new Response("The token is the password; any name will do.\n", {
      status: 401,
      headers: { ...textHeaders(), "WWW-Authenticate": 'Basic realm="jarvis-forge"' },
    });
  }
  const [name = "", media] = file.split(".");
  const range = await find(name);
  if (range === undefined) return notFoundPage();
  const answer = await textOf(
    repository,
    media === "patch" ? "patch" : "diff",
    range.from,
    range.to,
  );
  return new Response("text" in answer ? answer.text : "", { headers: textHeaders() });
}
