import { parseTree, findInTree, type TreeEntry } from "../git/tree.ts";
import { notFound } from "../problem.ts";
import { encodePath, type Links } from "../render/links.ts";
import { readCommit, requireCommit } from "./commits-of.ts";
import { wrapBase64 } from "./git-data.ts";
import { ok, operation, type Answer, type ApiRequest } from "./operation.ts";
import type { World } from "../world.ts";

// Above this GitHub sends no content in JSON either; it is read as a blob or raw.
const LARGEST_INLINE_BYTES = 1024 * 1024;

export const contentOperations = [
  operation("repos/get-content", "GET", "/repos/{owner}/{repo}/contents/{path}", getContent),
  operation("repos/get-content", "GET", "/repos/{owner}/{repo}/contents", (request, world) =>
    getContent({ ...request, parameters: { ...request.parameters, path: "" } }, world),
  ),
];

async function getContent(
  request: ApiRequest<{ path: string }>,
  { repository, links }: World,
): Promise<Answer> {
  const ref = request.query.get("ref") ?? repository.defaultBranch;
  const path = request.parameters.path.replace(/^\/+|\/+$/gu, "");
  const commit = await readCommit(repository, await requireCommit(repository, ref));
  const entry =
    commit === undefined ? undefined : await findInTree(repository.objects, commit.tree, path);
  if (entry === undefined) throw notFound();
  if (entry.mode === "160000") return ok(describe(links, entry, path, ref));
  const object = await repository.objects.read(entry.sha);
  if (object === undefined) throw notFound();
  if (object.type === "tree") {
    const prefix = path === "" ? "" : `${path}/`;
    const entries = parseTree(object.data);
    return ok(entries.map((each) => describe(links, each, `${prefix}${each.name}`, ref)));
  }
  if (/application\/vnd\.github(?:\.v3)?\.raw/u.test(request.accept)) {
    return {
      status: 200,
      text: object.data.toString("utf8"),
      contentType: "text/plain; charset=utf-8",
    };
  }
  const inline = object.data.length <= LARGEST_INLINE_BYTES;
  return ok({
    ...describe(links, entry, path, ref),
    size: object.data.length,
    ...(entry.mode === "120000" ? { target: object.data.toString("utf8") } : {}),
    content: inline ? wrapBase64(object.data) : "",
    encoding: inline ? "base64" : "none",
  });
}

function describe(links: Links, entry: TreeEntry, path: string, ref: string) {
  const kind = kindOf(entry.mode);
  const url = `${links.repository}/contents/${encodePath(path)}?ref=${encodeURIComponent(ref)}`;
  const html = `${links.web}/${kind === "dir" ? "tree" : "blob"}/${encodePath(ref)}/${encodePath(path)}`;
  const git =
    kind === "submodule"
      ? null
      : `${links.repository}/git/${kind === "dir" ? "trees" : "blobs"}/${entry.sha}`;
  return {
    type: kind,
    name: entry.name,
    path,
    sha: entry.sha,
    size: 0,
    url,
    git_url: git,
    html_url: html,
    download_url: null,
    _links: { self: url, git, html },
  };
}

function kindOf(mode: string): "dir" | "file" | "symlink" | "submodule" {
  switch (mode) {
    case "040000":
      return "dir";
    case "120000":
      return "symlink";
    case "160000":
      return "submodule";
    default:
      return "file";
  }
}
