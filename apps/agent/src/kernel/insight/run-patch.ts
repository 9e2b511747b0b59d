import type { JarvisDatabase } from "@jarvis/db";
import { readLedgerBlob, type RunState } from "@jarvis/tools/self-extension";

/** What is shown of a patch; the whole is in the pull request. */
const SHOWN_BYTES = 500_000;

export interface RunPatch {
  readonly digest: string | null;
  /** Text of a candidate: shown, never believed. Null where retention has emptied it. */
  readonly patch: string | null;
  readonly bytes: number;
  readonly isCut: boolean;
}

export async function runPatch(db: JarvisDatabase, run: RunState): Promise<RunPatch> {
  const digest = run.patchDigest;
  const bytes = digest === null ? null : await readLedgerBlob(db, digest);
  return {
    digest,
    patch: bytes === null ? null : bytes.subarray(0, SHOWN_BYTES).toString("utf8"),
    bytes: bytes?.length ?? 0,
    isCut: bytes !== null && bytes.length > SHOWN_BYTES,
  };
}
