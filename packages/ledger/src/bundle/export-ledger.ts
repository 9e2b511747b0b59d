import type { JarvisDatabase } from "@jarvis/db";
import { leafContent, ledgerOfNumber } from "../rows/leaf.ts";
import { inOneSnapshot } from "../verify/one-snapshot.ts";
import { readCheckpoints, readLeaves } from "../verify/read-pages.ts";

/** One line of an export. `content` is the very text that is hashed as the leaf. */
export type ExportLine =
  | {
      readonly type: "event";
      readonly index: number;
      readonly ledger: string;
      readonly id: number;
      /** Null where the row is gone. */
      readonly content: string | null;
      /** Standard base64. */
      readonly leafHash: string;
    }
  | { readonly type: "checkpoint"; readonly size: number; readonly note: string };

/**
 * The sealed ledger in the order of the tree, each checkpoint after the events it covers, in one
 * snapshot: whoever has the lines can compute every root again without us.
 */
export async function exportLedger(
  db: JarvisDatabase,
  write: (line: ExportLine) => Promise<void>,
): Promise<{ events: number; checkpoints: number }> {
  return await inOneSnapshot({ db }, async (readers) => {
    const signed = readCheckpoints(readers[0]);
    let checkpoint = await signed.next();
    let events = 0;
    let checkpoints = 0;
    for await (const page of readLeaves(readers)) {
      for (const leaf of page) {
        const ledger = ledgerOfNumber(leaf.ledger);
        await write({
          type: "event",
          index: leaf.leafIndex,
          ledger: ledger ?? String(leaf.ledger),
          id: leaf.eventId,
          content: leaf.row === null || ledger === null ? null : leafContent(ledger, leaf.row),
          leafHash: Buffer.from(leaf.leafHash).toString("base64"),
        });
        events += 1;
        while (checkpoint.done !== true && checkpoint.value.size <= leaf.leafIndex + 1) {
          await write({ type: "checkpoint", ...checkpoint.value });
          checkpoints += 1;
          checkpoint = await signed.next();
        }
      }
    }
    return { events, checkpoints };
  });
}
