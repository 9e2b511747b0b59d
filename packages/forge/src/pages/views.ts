import { html } from "hono/html";

import { readCommit } from "../api/commits-of.ts";
import { settlePulls } from "../follow-pulls.ts";
import { isoDate, subject } from "../git/commit.ts";
import type { Sha } from "../git/names.ts";
import type { Repository } from "../repository.ts";
import { latestStatuses } from "../rules/required-statuses.ts";
import type { PullDocument } from "../state/documents.ts";
import type { World } from "../world.ts";
import { notFoundPage, page, visible, type Html } from "./layout.ts";

export async function startPage({ repository, links }: World): Promise<Response> {
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

export async function pullPage(world: World, number: string): Promise<Response> {
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

export async function commitPage(world: World, sha: string): Promise<Response> {
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

function stateOf(pull: PullDocument): string {
  if (pull.mergedAt !== null) return "merged";
  return pull.draft && pull.state === "open" ? "draft" : pull.state;
}

function commitLink(world: World, sha: Sha): Html {
  return html`<a href="${world.links.commit(sha)}"><code>${sha.slice(0, 12)}</code></a>`;
}
