import { DatabaseError } from "@jarvis/db";

const EVERY_MS = 1000;
/** How long a database may be silent. Nobody but us starts ours again; an operator's may be restarted. */
const GRACE_MS = { embedded: 2000, external: 15_000 } as const;

/**
 * Tells `onLost` once when the database has not answered for a while. The kernel ends then: it could
 * not read its switches, and a run that goes on without a ledger has no truth to go by.
 */
export function watchDatabase(
  database: { readonly server: "embedded" | "external"; readonly ping: () => Promise<unknown> },
  onLost: (error: Error) => void,
): { stop(): void } {
  // Counted in our own ticks and not by the clock: while this process stands still, the silence is its own.
  let silentTicks = 0;
  let waiting = false;
  const timer = setInterval(() => {
    if (!waiting) {
      waiting = true;
      database.ping().then(
        () => {
          silentTicks = 0;
          waiting = false;
        },
        () => (waiting = false),
      );
    }
    silentTicks += 1;
    if (silentTicks * EVERY_MS <= GRACE_MS[database.server] + EVERY_MS) return;
    clearInterval(timer);
    onLost(
      new DatabaseError(
        "database-unreachable",
        "The database stopped answering, so the kernel ends; open runs continue at the next start: jarvis up.",
      ),
    );
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
