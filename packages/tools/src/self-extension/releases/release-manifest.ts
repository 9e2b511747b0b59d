import { z } from "zod";
import { digest, gitSha } from "../ledger-words.ts";

/** A path inside a release: relative, with slashes, without a step that leads out of it. */
const path = z
  .string()
  .min(1)
  .refine(
    (text) => text.split("/").every((part) => part !== "" && part !== "." && part !== ".."),
    "expected a relative path",
  );

/** What lies beside the files of a release, and what its digest is computed from besides them. */
export const releaseManifest = z.strictObject({
  version: z.literal(1),
  releaseDigest: digest,
  treeSha: gitSha,
  lockfileDigest: digest.nullable(),
  nodeVersion: z.string(),
  /** Directories that the build wrote; all else is the tree's. */
  outputs: z.array(path),
  /** Part of the tree's name, and no files of it. */
  submodules: z.array(z.strictObject({ path, sha: gitSha })),
  /** Whoever runs the release mounts or links these `node_modules` directories of this tree. */
  dependencies: z.strictObject({ key: z.string().min(1), nodeModules: z.array(path) }).nullable(),
});
export type ReleaseManifest = z.infer<typeof releaseManifest>;

export const MANIFEST = "release.json";
/** The directory beside the manifest that holds the files. */
export const FILES = "files";

/** The directory of a release in its store. */
export function directoryName(releaseDigest: string): string {
  return releaseDigest.replace(":", "-");
}
