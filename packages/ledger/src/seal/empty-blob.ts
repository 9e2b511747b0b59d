import { emptyBlob, type JarvisDatabase } from "@jarvis/db";
import { appendRecord } from "../store/records.ts";

/**
 * Takes the content of a blob and records who did and why, both or neither. The ledger is not
 * touched: events name the digest, which is what is proved, and say what there was. Answers the
 * record, or null where there was nothing to take.
 */
export async function emptyRecordedBlob(
  db: JarvisDatabase,
  digest: string,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<number | null> {
  return await db.transaction(async (tx) => {
    if (!(await emptyBlob(tx, digest))) return null;
    return await appendRecord(tx, { kind: "blob_emptied", actor, data: { digest, reason } });
  });
}
