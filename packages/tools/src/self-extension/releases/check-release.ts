import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OutputFile } from "@jarvis/sandbox";
import { releaseDigest } from "../verification/release-digest.ts";
import { listRelease, sha256, treeIdOfFiles, type ReleaseFile } from "./release-files.ts";
import {
  directoryName,
  FILES,
  MANIFEST,
  releaseManifest,
  type ReleaseManifest,
} from "./release-manifest.ts";

/** Why a release may not run. Closed. */
export type ReleaseRefusal =
  | "release-missing"
  | "manifest-malformed"
  | "digest-differs"
  | "tree-differs"
  | "node-differs"
  | "odd-file"
  | "extra-directory"
  | "outputs-hide-tree"
  | "outputs-overlap"
  | "not-attested"
  | "dependencies-missing"
  | "build-failed";

export type ReleaseCheck =
  | { readonly ok: true; readonly directory: string; readonly manifest: ReleaseManifest }
  | { readonly ok: false; readonly code: ReleaseRefusal; readonly detail: string };

export function refuse(code: ReleaseRefusal, detail: string): ReleaseCheck & { ok: false } {
  return { ok: false, code, detail };
}

/** Where a release lies in its store. */
export function releasePlace(directory: string, named: string): string {
  return join(directory, directoryName(named));
}

/**
 * Whether a directory holds exactly the release of this digest. Every byte is read again: the files
 * of the build have to give the digest together with what the manifest says, and all others have to
 * be the tree, so that a changed, a missing and an additional file are all refused. The digest is the
 * caller's, from a pointer or the ledger; the manifest beside the files is not believed.
 * Works without database and git. `directory` of the answer is where the files lie.
 */
export async function checkRelease(place: string, expected: string): Promise<ReleaseCheck> {
  const manifest = readManifest(place);
  if ("code" in manifest) return manifest;
  if (manifest.releaseDigest !== expected) {
    return refuse("digest-differs", `${place} says that it is ${manifest.releaseDigest}.`);
  }
  // A release is named by the Node that built it, and runs on no other.
  if (manifest.nodeVersion !== process.version) {
    return refuse(
      "node-differs",
      `The release was built with Node ${manifest.nodeVersion}, and this is ${process.version}; run it with that one.`,
    );
  }
  const directory = join(place, FILES);
  let listing;
  try {
    listing = await listRelease(directory);
  } catch (error) {
    return refuse("release-missing", `${directory} cannot be read: ${String(error)}`);
  }
  const odd = listing.odd[0];
  if (odd !== undefined) return refuse("odd-file", `${odd} is no plain file of its own.`);
  const allowed = new Set([...manifest.outputs, ...(manifest.dependencies?.nodeModules ?? [])]);
  const extra = listing.emptyDirectories.find((path) => !allowed.has(path));
  if (extra !== undefined) return refuse("extra-directory", `${extra} is no part of the release.`);
  const isOutput = isBelow(manifest.outputs);
  const built = listing.files.filter(({ path }) => isOutput(path));
  const link = built.find(({ mode }) => mode === "120000");
  if (link !== undefined)
    return refuse("odd-file", `${link.path} is a link, and was built as a file.`);
  const found = releaseDigest({ ...manifest, files: built.map(asOutput) });
  if (found !== expected) {
    return refuse("digest-differs", `What was built is ${found}, expected ${expected}.`);
  }
  const own = listing.files.filter(({ path }) => !isOutput(path));
  const algorithm = manifest.treeSha.length === 64 ? "sha256" : "sha1";
  const tree = treeIdOfFiles(own, manifest.submodules, algorithm);
  if (tree !== manifest.treeSha) {
    return refuse("tree-differs", `The files are tree ${tree}, expected ${manifest.treeSha}.`);
  }
  return { ok: true, directory, manifest };
}

/** Whether a path is one of these directories or lies below one. */
export function isBelow(directories: readonly string[]): (path: string) => boolean {
  return (path) =>
    directories.some((directory) => path === directory || path.startsWith(`${directory}/`));
}

function readManifest(place: string): ReleaseManifest | (ReleaseCheck & { ok: false }) {
  let text: string;
  try {
    text = readFileSync(join(place, MANIFEST), "utf8");
  } catch {
    return refuse("release-missing", `There is no release at ${place}; build it again.`);
  }
  try {
    const parsed = releaseManifest.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // No JSON is as malformed as JSON of another shape.
  }
  return refuse("manifest-malformed", `${MANIFEST} at ${place} cannot be read.`);
}

function asOutput({ path, mode, content }: ReleaseFile): OutputFile {
  const size = content.length;
  return { path, mode: mode === "100755" ? mode : "100644", size, sha256: sha256(content) };
}
