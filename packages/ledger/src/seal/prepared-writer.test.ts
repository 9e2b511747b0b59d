import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  databaseDirectory,
  destroyEmbedded,
  openDatabase,
  selfExtensionEvents,
  type DatabaseHandle,
} from "@jarvis/db";
import { anEvent, prepareTestState } from "@jarvis/db/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { verifyLedger } from "../verify/verify-ledger.ts";
import { startSealer } from "./sealer.ts";

/*
 * PREPARE TRANSACTION takes a writer's locks along to nobody's session. A server allows it only where
 * somebody has set it so.
 */

let stateDirectory: string;
let handle: DatabaseHandle;

beforeAll(async () => {
  stateDirectory = join(mkdtempSync(join(tmpdir(), "jarvis-prepared-")), "state");
  await prepareTestState(stateDirectory);
  appendFileSync(configuration(), "\nmax_prepared_transactions = 4\n");
  handle = await openDatabase({ stateDirectory });
});

afterAll(async () => {
  await handle.close().catch(() => undefined);
  await destroyEmbedded(stateDirectory);
  rmSync(join(stateDirectory, ".."), { recursive: true, force: true });
});

it("waits for a writer that is prepared while it is waited for, as it does for any other", async () => {
  const { db, sql } = handle;
  const sealer = await startSealer({ db, stateDirectory, everyMs: 3_600_000, patienceMs: 400 });
  await sealer.sealNow();
  const writer = await sql.reserve();
  await writer`begin`;
  await writer`insert into self_extension_events
    (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
    values ('late', 'c', 'failed', 's', 'a', 'a', 'k', '{}')`;
  await db.insert(selfExtensionEvents).values(anEvent());
  const sealing = Promise.allSettled([sealer.sealNow()]);
  await sleep(100);
  await writer`prepare transaction 'held'`;
  expect(await sealing).toMatchObject([{ reason: { code: "not-sealed" } }]);
  await writer`commit prepared 'held'`;
  writer.release();
  await sealer.sealNow();
  await sealer.stop();
  expect(await verifyLedger(db, { anchors: [] })).toMatchObject({ ok: true, size: 3, unsealed: 0 });
});

function configuration(): string {
  return join(databaseDirectory(stateDirectory) ?? "", "data/postgresql.conf");
}
