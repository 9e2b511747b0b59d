import { createHash } from "node:crypto";
import type { OutputFile } from "@jarvis/sandbox";
import type { BuildStage } from "../guard-config.ts";
import { matcher } from "../protected-paths.ts";
import { listOutputs } from "./build-stage.ts";
import type { OutputDirectory } from "./stage-world.ts";

export interface ReleaseFacts {
  readonly treeSha: string;
  readonly lockfileDigest: string | null;
  readonly nodeVersion: string;
  readonly files: readonly OutputFile[];
}

/**
 * The name of a release: what it was built from and every byte that was built. Canonical JSON of a
 * fixed shape is hashed, never joined strings, so no two different releases share a name.
 */
export function releaseDigest(facts: ReleaseFacts): string {
  const files = facts.files
    .map((file) => [file.path, file.mode, file.sha256] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const canonical = JSON.stringify([
    "jarvis-release-v1",
    facts.treeSha,
    facts.lockfileDigest,
    facts.nodeVersion,
    files,
  ]);
  return `sha256:${createHash("sha256").update(canonical).digest("hex")}`;
}

/** What was built, without the files by which an incremental compiler remembers. */
export async function releaseFiles(
  builds: readonly { readonly stage: BuildStage; readonly outputs: readonly OutputDirectory[] }[],
): Promise<OutputFile[]> {
  const files: OutputFile[] = [];
  for (const { stage, outputs } of builds) {
    const isBookkeeping = matcher(stage.bookkeeping ?? []);
    const listed = await listOutputs(outputs);
    files.push(...listed.filter((file) => !isBookkeeping(file.path)));
  }
  return files;
}
