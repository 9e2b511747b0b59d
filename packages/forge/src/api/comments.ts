import { z } from "zod";

import { validationFailed } from "../problem.ts";
import type { GitHubComment } from "../render/github-types.ts";
import { nodeId, type Links } from "../render/links.ts";
import { renderUser } from "../render/user.ts";
import type { CommentDocument } from "../state/documents.ts";
import { parseBody } from "./body.ts";
import { created, operation } from "./operation.ts";
import { paginate } from "./paginate.ts";
import { requirePull } from "./require-pull.ts";

const COMMENTS = "/repos/{owner}/{repo}/issues/{issue_number}/comments";
const CreateComment = z.object({ body: z.string() });

// GitHub's own limit.
const LONGEST_COMMENT = 65_536;

/** Comments on pull requests; there are no issues beside them. */
export const commentOperations = [
  operation("issues/list-comments", "GET", COMMENTS, async (request, { repository, links }) => {
    const { number } = (await requirePull(repository, request.parameters.issue_number)).document;
    const { document } = await repository.state.comments(number);
    return paginate(request, document, (comment) => renderComment(links, number, comment));
  }),

  operation("issues/create-comment", "POST", COMMENTS, async (request, { repository, links }) => {
    const pull = await requirePull(repository, request.parameters.issue_number);
    const { body } = parseBody(CreateComment, request.body);
    if (body === "" || body.length > LONGEST_COMMENT) {
      throw validationFailed({ resource: "IssueComment", field: "body", code: "unprocessable" });
    }
    const { number } = pull.document;
    const stored = await repository.state.comments(number);
    const { id, update } = await repository.state.takeId();
    const createdAt = new Date().toISOString();
    const comment: CommentDocument = { id, body, author: request.actor.login, createdAt };
    await repository.refs.update([
      update,
      await repository.state.change(stored, [...stored.document, comment]),
      await repository.state.change(pull, { ...pull.document, updatedAt: createdAt }),
    ]);
    return created(renderComment(links, number, comment));
  }),
];

function renderComment(links: Links, number: number, comment: CommentDocument): GitHubComment {
  return {
    id: comment.id,
    node_id: nodeId("IssueComment", comment.id),
    url: `${links.repository}/issues/comments/${comment.id}`,
    html_url: `${links.pull(number)}#issuecomment-${comment.id}`,
    body: comment.body,
    user: renderUser(links, comment.author),
    created_at: comment.createdAt,
    updated_at: comment.createdAt,
    issue_url: `${links.repository}/issues/${number}`,
    author_association: "COLLABORATOR",
  };
}
