import { z } from "zod";

import { isSha, isTreeEntryName, type Sha } from "../git/names.ts";
import { editTree, parseTree, walkTree, type TreeEdit } from "../git/tree.ts";
import { notFound, Problem } from "../problem.ts";
import type { GitHubTree } from "../render/github-types.ts";
import type { Links } from "../render/links.ts";
import { resolveCommit, type Repository } from "../repository.ts";
import { parseBody } from "./body.ts";
import { readCommit } from "./commits-of.ts";
import { created, ok, operation } from "./operation.ts";

const MODES = ["100644", "100755", "040000", "120000", "160000"] as const;

const CreateTree = z.object({
  base_tree: z.string().optional(),
  tree: z
    .array(
      z.object({
        path: z.string(),
        mode: z.enum(MODES).optional(),
        type: z.enum(["blob", "tree", "commit"]).optional(),
        sha: z.string().nullable().optional(),
        content: z.string().optional(),
      }),
    )
    .min(1),
});
type CreateTreeEntry = z.infer<typeof CreateTree>["tree"][number];

export const gitTreeOperations = [
  operation(
    "git/create-tree",
    "POST",
    "/repos/{owner}/{repo}/git/trees",
    async (request, world) => {
      const { repository } = world;
      const body = parseBody(CreateTree, request.body);
      const base =
        body.base_tree === undefined ? undefined : await treeOf(repository, body.base_tree);
      if (body.base_tree !== undefined && base === undefined) {
        throw new Problem(422, "base_tree is not a valid tree oid");
      }
      // One git for all of them, instead of one each below.
      await repository.objects.readMany(body.tree.flatMap(({ sha }) => sha ?? []));
      const edits: TreeEdit[] = [];
      for (const entry of body.tree) edits.push(await readEdit(repository, entry));
      const sha = await editTree(repository.objects, base, edits);
      const root = sha ?? (await repository.objects.write("tree", ""));
      return created(await renderTree(repository, world.links, root, false));
    },
  ),

  operation(
    "git/get-tree",
    "GET",
    "/repos/{owner}/{repo}/git/trees/{tree_sha}",
    async (request, { repository, links }) => {
      const sha = await treeOf(repository, request.parameters.tree_sha);
      if (sha === undefined) throw notFound();
      // GitHub takes any value, "0" and "false" too, for yes.
      return ok(await renderTree(repository, links, sha, request.query.has("recursive")));
    },
  ),
];

async function readEdit(repository: Repository, entry: CreateTreeEntry): Promise<TreeEdit> {
  const { path, mode, sha, content } = entry;
  if (path === "" || !path.split("/").every(isTreeEntryName)) {
    throw new Problem(422, `tree.path contains a malformed path component: ${path}`);
  }
  if (sha === null) return { path, entry: undefined };
  if (mode === undefined) {
    throw new Problem(422, `Must supply a valid tree.mode, one of ${MODES.join(", ")}`);
  }
  if ((sha === undefined) === (content === undefined)) {
    throw new Problem(422, "Must supply either tree.sha or tree.content, and not both");
  }
  if (content !== undefined) {
    const written = await repository.objects.write("blob", content);
    return { path, entry: { mode, sha: written } };
  }
  // A submodule's commit is in another repository.
  if (mode !== "160000") {
    const expected = mode === "040000" ? "tree" : "blob";
    const object = isSha(sha ?? "") ? await repository.objects.read(sha ?? "") : undefined;
    if (object?.type !== expected)
      throw new Problem(422, `tree.sha ${sha} is not a valid ${expected}`);
  } else if (!isSha(sha ?? "")) {
    throw new Problem(422, `tree.sha ${sha} is not a valid commit`);
  }
  return { path, entry: { mode, sha: sha ?? "" } };
}

/** A tree by its own id, or the tree of a commit, branch or tag. */
async function treeOf(repository: Repository, name: string): Promise<Sha | undefined> {
  const object = isSha(name) ? await repository.objects.read(name) : undefined;
  if (object?.type === "tree") return object.sha;
  const commit = await resolveCommit(repository, name);
  return commit === undefined ? undefined : (await readCommit(repository, commit))?.tree;
}

async function renderTree(
  repository: Repository,
  links: Links,
  sha: Sha,
  recursive: boolean,
): Promise<GitHubTree> {
  const object = await repository.objects.read(sha);
  const entries = recursive
    ? await walkTree(repository.objects, sha)
    : parseTree(object?.data ?? Buffer.alloc(0)).map((entry) => ({ ...entry, path: entry.name }));
  const blobs = entries.filter(({ mode }) => mode.startsWith("1") && mode !== "160000");
  const sizes = await repository.objects.sizes(blobs.map(({ sha: blob }) => blob));
  const url = `${links.repository}/git`;
  return {
    sha,
    url: `${url}/trees/${sha}`,
    tree: entries.map((entry) => {
      const common = { path: entry.path, mode: entry.mode, sha: entry.sha };
      if (entry.mode === "040000")
        return { ...common, type: "tree", url: `${url}/trees/${entry.sha}` };
      if (entry.mode === "160000") return { ...common, type: "commit" };
      const size = sizes.get(entry.sha) ?? 0;
      return { ...common, type: "blob", size, url: `${url}/blobs/${entry.sha}` };
    }),
    truncated: false,
  };
}
