import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** By this name a kernel holds its state directory; nobody else is one, and ended as one. */
export const KERNEL = "jarvis kernel";
/** Another command holds the directory for the moment of one switch. */
export const COMMAND = "jarvis command";

const stateHolder = z.object({
  pid: z.number().int().positive(),
  what: z.string(),
  since: z.string(),
});
type StateHolder = z.infer<typeof stateHolder>;

/**
 * Who wrote its name into the lock of a state directory last; null where nobody can be read. Whether
 * it is held still only the lock itself says.
 */
export function readStateHolder(directory: string): StateHolder | null {
  try {
    return stateHolder.parse(JSON.parse(readFileSync(join(directory, "lock"), "utf8")));
  } catch {
    // It has taken the lock and not written its name yet, or nobody ever did.
    return null;
  }
}
