import { z } from "zod";

import { formatCommit, type Signature } from "../git/commit.ts";
import { isSha } from "../git/names.ts";
import { notFound, Problem } from "../problem.ts";
import { renderGitCommit } from "../render/commit.ts";
import type { GitHubBlob } from "../render/github-types.ts";
import { nodeId } from "../render/links.ts";
import { parseBody } from "./body.ts";
import { readCommit } from "./commits-of.ts";
import { readIdentity, Identity } from "./identity.ts";
import { created, ok, operation } from "./operation.ts";

const CreateBlob = z.object({
  content: z.string(),
  encoding: z.enum(["utf-8", "base64"]).optional(),
});

const CreateCommit = z.object({
  message: z.string(),
  tree: z.string(),
  parents: z.array(z.string()).optional(),
  author: Identity.optional(),
  committer: Identity.optional(),
});

export const gitDataOperations = [
  operation(
    "git/create-blob",
    "POST",
    "/repos/{owner}/{repo}/git/blobs",
    async (request, world) => {
      const { content, encoding } = parseBody(CreateBlob, request.body);
      const data = encoding === "base64" ? decodeBase64(content) : Buffer.from(content);
      const sha = await world.repository.objects.write("blob", data);
      return created({ sha, url: `${world.links.repository}/git/blobs/${sha}` });
    },
  ),

  operation(
    "git/get-blob",
    "GET",
    "/repos/{owner}/{repo}/git/blobs/{file_sha}",
    async (request, { repository, links }) => {
      const blob = await repository.objects.read(request.parameters.file_sha);
      if (blob?.type !== "blob") throw notFound();
      return ok({
        sha: blob.sha,
        node_id: nodeId("Blob", blob.sha),
        size: blob.data.length,
        url: `${links.repository}/git/blobs/${blob.sha}`,
        content: wrapBase64(blob.data),
        encoding: "base64",
      } satisfies GitHubBlob);
    },
  ),

  operation(
    "git/create-commit",
    "POST",
    "/repos/{owner}/{repo}/git/commits",
    async (request, { repository, links }) => {
      const body = parseBody(CreateCommit, request.body);
      const tree = isSha(body.tree) ? await repository.objects.read(body.tree) : undefined;
      if (tree?.type !== "tree") throw new Problem(422, "Tree SHA does not exist");
      const parents = body.parents ?? [];
      for (const parent of await repository.objects.readMany(parents)) {
        if (parent?.type !== "commit")
          throw new Problem(422, "Parent SHA does not exist or is not a commit object");
      }
      if (body.message.includes("\0"))
        throw new Problem(422, "A commit message cannot contain NUL");
      const now: Signature = {
        name: request.actor.login,
        email: request.actor.email,
        timestampSeconds: Math.floor(Date.now() / 1000),
        offset: "+0000",
      };
      const author = readIdentity("author", body.author, { absent: now, now });
      const committer = readIdentity("committer", body.committer, { absent: author, now });
      // As on GitHub the message is written verbatim: no line break is added where `git commit` would.
      const content = { tree: body.tree, parents, author, committer, message: body.message };
      const sha = await repository.objects.write("commit", formatCommit(content));
      return created(renderGitCommit(links, { sha, ...content }));
    },
  ),

  operation(
    "git/get-commit",
    "GET",
    "/repos/{owner}/{repo}/git/commits/{commit_sha}",
    async (request, { repository, links }) => {
      const commit = await readCommit(repository, request.parameters.commit_sha);
      if (commit === undefined) throw notFound();
      return ok(renderGitCommit(links, commit));
    },
  ),
];

/** As GitHub and MIME wrap it. */
export function wrapBase64(data: Buffer): string {
  return data.toString("base64").replace(/.{1,60}/gu, "$&\n");
}

function decodeBase64(content: string): Buffer {
  const compact = content.replace(/\s/gu, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/u.test(compact)) {
    throw new Problem(422, "content is not valid Base64");
  }
  return Buffer.from(compact, "base64");
}
