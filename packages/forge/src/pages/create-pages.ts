import { Hono, type Context } from "hono";
import { html } from "hono/html";

import type { Authenticate } from "../actor.ts";
import { readCommit } from "../api/commits-of.ts";
import { parentOrNothing, textOf } from "../api/commits.ts";
import { currentBase } from "../api/pull-facts.ts";
import { settlePulls } from "../follow-pulls.ts";
import { isoDate, subject } from "../git/commit.ts";
import type { Sha } from "../git/names.ts";
import type { Repository } from "../repository.ts";
import type { RequestLog } from "../request-log.ts";
import { latestStatuses } from "../rules/required-statuses.ts";
import type { PullDocument } from "../state/documents.ts";
import type { World } from "../world.ts";
import { notFoundPage, page, textHeaders, visible, type Html } from "./layout.ts";

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

async function startPage({ repository, links }: World): Promise<Response> {
  await settlePulls(repository);
  const pulls = (await repository.state.pulls()).map(({ document }) => document).reverse();
  const name = `${repository.owner}/${repository.name}`;
  return page(
    name,
    html`<h1>${name}</h1>
      <p>Clone it with <code>git clone ${links.clone}</code> and the token as password.</p>
      <table>
        <tr>
          <th>Pull request</th>
          <th>Title</th>
          <th>State</th>
        </tr>
        ${pulls.map(
          (pull) =>
            html`<tr>
              <td><a href="${links.pull(pull.number)}">#${pull.number}</a></td>
              <td><bdi>${visible(pull.title)}</bdi></td>
              <td>${stateOf(pull)}</td>
            </tr> `,
        )}
      </table>
      ${pulls.length === 0 ? html`<p class="muted">There are no pull requests yet.</p>` : ""}`,
  );
}

async function pullPage(world: World, number: string): Promise<Response> {
  const { repository, links } = world;
  await settlePulls(repository);
  const pull = (await repository.state.pull(Number(number)))?.document;
  if (pull === undefined) return notFoundPage();
  return page(
    `${pull.title} · #${pull.number}`,
    html`<p><a href="${links.web}">${repository.owner}/${repository.name}</a></p>
      <h1><bdi>${visible(pull.title)}</bdi> <span class="muted">#${pull.number}</span></h1>
      <table>
        <tr>
          <th>State</th>
          <td>${stateOf(pull)}</td>
        </tr>
        <tr>
          <th>From</th>
          <td>
            <bdi><code>${visible(pull.headRef)}</code></bdi> at ${commitLink(world, pull.headSha)}
          </td>
        </tr>
        <tr>
          <th>Into</th>
          <td>
            <bdi><code>${visible(pull.baseRef)}</code></bdi>
          </td>
        </tr>
        <tr>
          <th>Opened</th>
          <td>${pull.createdAt} by ${pull.author}</td>
        </tr>
        ${
          pull.mergedAt === null
            ? ""
            : html`<tr>
                <th>Merged</th>
                <td>
                  ${pull.mergedAt} as ${commitLink(world, pull.mergeCommitSha ?? pull.headSha)}
                </td>
              </tr>`
        }
      </table>
      ${await checks(repository, pull.headSha)}
      <p>
        <a href="${links.pull(pull.number)}.diff">The change</a>
        <span class="muted">asks for the token as password</span>
      </p>`,
  );
}

async function commitPage(world: World, sha: string): Promise<Response> {
  const { repository, links } = world;
  const commit = await readCommit(repository, sha);
  if (commit === undefined) return notFoundPage();
  return page(
    `${subject(commit.message)} · ${sha.slice(0, 12)}`,
    html`<p><a href="${links.web}">${repository.owner}/${repository.name}</a></p>
      <h1><bdi>${visible(subject(commit.message))}</bdi></h1>
      <table>
        <tr>
          <th>Commit</th>
          <td><code>${commit.sha}</code></td>
        </tr>
        <tr>
          <th>Tree</th>
          <td><code>${commit.tree}</code></td>
        </tr>
        <tr>
          <th>Parents</th>
          <td>${commit.parents.map((parent) => html`${commitLink(world, parent)} `)}</td>
        </tr>
        <tr>
          <th>Author</th>
          <td><bdi>${visible(commit.author.name)}</bdi>, ${isoDate(commit.author)}</td>
        </tr>
      </table>
      ${await checks(repository, commit.sha)}
      <p>
        <a href="${links.commit(commit.sha)}.diff">The change</a>
        <span class="muted">asks for the token as password</span>
      </p>`,
  );
}

async function checks(repository: Repository, sha: Sha): Promise<Html> {
  const latest = latestStatuses((await repository.state.statuses(sha)).document);
  if (latest.length === 0) return html`<p class="muted">No check has reported yet.</p>`;
  return html`<h2>Checks</h2>
    <table>
      ${latest.map(
        (status) =>
          html`<tr>
            <td>${status.state}</td>
            <td>
              <bdi><code>${visible(status.context)}</code></bdi>
            </td>
            <td><bdi>${visible(status.description ?? "")}</bdi></td>
            <td class="muted">${status.creator}</td>
          </tr> `,
      )}
    </table>`;
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

function stateOf(pull: PullDocument): string {
  if (pull.mergedAt !== null) return "merged";
  return pull.draft && pull.state === "open" ? "draft" : pull.state;
}

function commitLink(world: World, sha: Sha): Html {
  return html`<a href="${world.links.commit(sha)}"><code>${sha.slice(0, 12)}</code></a>`;
}
