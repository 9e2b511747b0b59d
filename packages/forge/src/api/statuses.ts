import { z } from "zod";

import { isSha } from "../git/names.ts";
import { Problem, validationFailed } from "../problem.ts";
import { renderCombinedStatus, renderStatus } from "../render/status.ts";
import { latestStatuses } from "../rules/required-statuses.ts";
import { StatusState, type StatusDocument } from "../state/documents.ts";
import { parseBody } from "./body.ts";
import { requireCommit } from "./commits-of.ts";
import { created, operation } from "./operation.ts";
import { linkHeader, paginate, readPage } from "./paginate.ts";

// GitHub's own limit; a client in a loop is stopped here too.
const MOST_STATUSES = 1_000;

const CreateStatus = z.object({
  state: z.string(),
  context: z.string().min(1).max(255).optional(),
  description: z.string().nullable().optional(),
  target_url: z.string().nullable().optional(),
});

export const statusOperations = [
  operation(
    "repos/create-commit-status",
    "POST",
    "/repos/{owner}/{repo}/statuses/{sha}",
    async (request, { repository, links }) => {
      const { sha } = request.parameters;
      const commit = isSha(sha) ? await repository.objects.read(sha) : undefined;
      if (commit?.type !== "commit") throw new Problem(422, `No commit found for SHA: ${sha}`);
      const body = readStatus(request.body);
      const stored = await repository.state.statuses(sha);
      const context = body.context ?? "default";
      if (stored.document.filter((status) => status.context === context).length >= MOST_STATUSES) {
        throw validationFailed({
          resource: "Status",
          code: "custom",
          message: `This SHA and context has reached the maximum number of statuses.`,
        });
      }
      const { id, update } = await repository.state.takeId();
      const status: StatusDocument = {
        id,
        state: body.state,
        context,
        description: body.description ?? null,
        targetUrl: body.target_url ?? null,
        creator: request.actor.login,
        createdAt: new Date().toISOString(),
      };
      const append = await repository.state.change(stored, [...stored.document, status]);
      await repository.refs.update([update, append]);
      return created(renderStatus(links, sha, status));
    },
  ),

  operation(
    "repos/get-combined-status-for-ref",
    "GET",
    "/repos/{owner}/{repo}/commits/{ref}/status",
    async (request, { repository, links }) => {
      const sha = await requireCommit(repository, request.parameters.ref);
      const { document } = await repository.state.statuses(sha);
      const latest = latestStatuses(document);
      const { skip, size } = readPage(request);
      const shown = latest.slice(skip, skip + size);
      return {
        status: 200,
        json: renderCombinedStatus(repository, links, sha, document, shown),
        link: linkHeader(request, latest.length),
      };
    },
  ),

  operation(
    "repos/list-commit-statuses-for-ref",
    "GET",
    "/repos/{owner}/{repo}/commits/{ref}/statuses",
    async (request, { repository, links }) => {
      const sha = await requireCommit(repository, request.parameters.ref);
      const newestFirst = (await repository.state.statuses(sha)).document.toReversed();
      return paginate(request, newestFirst, (status) => renderStatus(links, sha, status));
    },
  ),
];

function readStatus(input: unknown) {
  const body = parseBody(CreateStatus, input);
  const state = StatusState.safeParse(body.state);
  if (!state.success) {
    throw validationFailed({
      resource: "Status",
      field: "state",
      code: "custom",
      message: "state is not included in the list",
    });
  }
  if ((body.description ?? "").length > 140) {
    throw validationFailed({
      resource: "Status",
      field: "description",
      code: "custom",
      message: "description is too long (maximum is 140 characters)",
    });
  }
  if (body.target_url != null && !/^https?:\/\//u.test(body.target_url)) {
    throw validationFailed({
      resource: "Status",
      field: "target_url",
      code: "custom",
      message: "target_url must use http(s) scheme",
    });
  }
  return { ...body, state: state.data };
}
