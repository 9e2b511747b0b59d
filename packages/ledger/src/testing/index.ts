import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JarvisDatabase } from "@jarvis/db";
import { startSealer, type Sealer } from "../seal/sealer.ts";

export interface TestSealer extends Sealer {
  readonly stateDirectory: string;
  stop(): Promise<void>;
}

/** A real sealer with a key of its own in a throw-away directory; `stop` removes it. */
export async function startTestSealer(
  db: JarvisDatabase,
  options: { readonly everyMs?: number } = {},
): Promise<TestSealer> {
  const stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-ledger-"));
  const sealer = await startSealer({ db, stateDirectory, ...options });
  return {
    ...sealer,
    stateDirectory,
    async stop() {
      await sealer.stop();
      rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
}
