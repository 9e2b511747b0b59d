import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  destroyEmbedded,
  openDatabase,
  selfExtensionEvents,
  type DatabaseHandle,
} from "@jarvis/db";
import { anEvent } from "@jarvis/db/testing";
import { anchorIn, verifyLedger, type Anchor } from "@jarvis/ledger";
import { afterAll, beforeAll, expect, it } from "vitest";

/*
 * A sealer in a process of its own, and the database under it, are killed with SIGKILL while events
 * are written and sealed. `pnpm sweep` does it a hundred times, npm test a few.
 */

const KILLS = process.env["JARVIS_SWEEP"] === "1" ? 100 : 4;
const seed = 6962;

const built = (path: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../../../../packages/${path}`, import.meta.url)));
const program = `
  import { openDatabase } from ${built("db/dist/index.js")};
  import { startSealer } from ${built("ledger/dist/index.js")};
  const stateDirectory = process.argv[1];
  const { db } = await openDatabase({ stateDirectory });
  const sealer = await startSealer({ db, stateDirectory, everyMs: 5 });
  let said = 0;
  setInterval(() => {
    const checkpoint = sealer.state().checkpoint;
    if (checkpoint === null || checkpoint.size === said) return;
    said = checkpoint.size;
    process.stdout.write(JSON.stringify(checkpoint.note) + "\\n");
  }, 2);
`;

let stateDirectory: string;
let handle: DatabaseHandle;
const seen: Anchor[] = [];

beforeAll(async () => {
  stateDirectory = join(mkdtempSync(join(tmpdir(), "jarvis-kill-seal-")), "state");
  handle = await openDatabase({ stateDirectory });
});

afterAll(async () => {
  await handle.close().catch(() => undefined);
  await destroyEmbedded(stateDirectory);
  rmSync(join(stateDirectory, ".."), { recursive: true, force: true });
});

it(
  `goes on without a fork and without a skipped event after ${KILLS} kills`,
  { timeout: KILLS * 30_000 },
  async () => {
    const random = generator(seed);
    let written = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const sealer = startSealer();
      const writing = write();
      await sealer.firstCheckpoint;
      await sleep(random() * 150);
      if (kill % 2 === 0) process.kill(sealer.process.pid ?? 0, "SIGKILL");
      else process.kill(postmaster(), "SIGKILL");
      await writing.stop();
      written += writing.acknowledged();
      sealer.process.kill("SIGKILL");
      await sealer.ended;
      if (kill % 2 === 0) continue;
      await handle.close().catch(() => undefined);
      handle = await openDatabase({ stateDirectory });
    }
    const last = startSealer();
    await last.firstCheckpoint;
    const counted = await handle.sql`
    select count(*)::int as count from self_extension_events`;
    const count = Number(counted[0]?.["count"]);
    await untilSealed(count);
    last.process.kill("SIGKILL");
    await last.ended;
    // Every checkpoint that was ever told is one of the same history.
    const report = await verifyLedger(handle.db, { anchors: seen });
    expect(report).toMatchObject({ ok: true, divergences: [], unsealed: 0 });
    expect(count).toBeGreaterThanOrEqual(written);
    expect(seen.length).toBeGreaterThanOrEqual(KILLS);
  },
);

function startSealer() {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--input-type=module", "-e", program, stateDirectory],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const ended = once(child, "close");
  const firstCheckpoint = new Promise<void>((resolve) => {
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      seen.push(anchorIn(JSON.parse(line) as string, `kill ${seen.length}`));
      resolve();
    });
    void ended.then(() => resolve());
  });
  return { process: child, ended, firstCheckpoint };
}

/** Four writers, until they are told to stop or the database is gone. */
function write() {
  let acknowledged = 0;
  const stopping = new AbortController();
  const { db } = handle;
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    try {
      while (!stopping.signal.aborted) {
        await db.insert(selfExtensionEvents).values(anEvent({ runId: `run-${writer}` }));
        acknowledged += 1;
      }
    } catch {
      // The database was killed: what it did not acknowledge may be there or not.
    }
  });
  return {
    acknowledged: () => acknowledged,
    async stop() {
      stopping.abort();
      await Promise.race([Promise.all(writers), sleep(3000)]);
    },
  };
}

async function untilSealed(count: number): Promise<void> {
  for (;;) {
    const counted = await handle.sql`
      select count(*)::int as sealed from ledger_leaves where ledger = 1`;
    const sealed = Number(counted[0]?.["sealed"]);
    if (sealed >= count) return;
    await sleep(20);
  }
}

function postmaster(): number {
  const path = join(stateDirectory, "postgres", "cluster.json");
  const { root } = JSON.parse(readFileSync(path, "utf8")) as { root: string };
  return Number(readFileSync(join(root, "data", "postmaster.pid"), "utf8").split("\n")[0]);
}

/** Mulberry32: the same waits in every run. */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
