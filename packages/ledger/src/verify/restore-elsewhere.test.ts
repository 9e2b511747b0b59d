import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  destroyEmbedded,
  openDatabase,
  putBlob,
  restoreDatabase,
  selfExtensionEvents,
  writeBackup,
  type DatabaseHandle,
} from "@jarvis/db";
import {
  anEvent,
  createTestDatabase,
  makeOperatorDatabase,
  prepareTestState,
  refusalOf,
  type OperatorDatabase,
  type TestDatabase,
} from "@jarvis/db/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { anchorIn } from "../notes/anchor.ts";
import { readTreeHead } from "../notes/checkpoint.ts";
import { startSealer } from "../seal/sealer.ts";
import { verifyLedger } from "./verify-ledger.ts";

let server: TestDatabase;
let operator: OperatorDatabase;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-move-"));
  server = await createTestDatabase();
  operator = await makeOperatorDatabase(server.adminUrl);
});
afterAll(async () => {
  await operator.close();
  await server.close();
  for (const state of ["before", "after"]) await destroyEmbedded(join(directory, state));
  rmSync(directory, { recursive: true, force: true });
});

it("moves the ledger from the embedded database to an operator's server and back", async () => {
  const before = { stateDirectory: join(directory, "before") };
  const after = { stateDirectory: join(directory, "after") };
  const onServer = { ...before, url: operator.url };
  await prepareTestState(before.stateDirectory);
  await prepareTestState(after.stateDirectory);

  const first = await using(before, async (handle) => {
    await handle.db.insert(selfExtensionEvents).values([anEvent(), anEvent(), anEvent()]);
    await putBlob(handle.db, Buffer.from("a diff"), "text/plain");
    return await sealAndSave(handle, "to-server.gz");
  });
  expect(await restoreDatabase(onServer, first.file, "a test moves")).toMatchObject({
    checkpoint: first.checkpoint,
  });

  const second = await using(onServer, async (handle) => {
    expect(handle.server).toBe("external");
    expect(await verified(handle, first.checkpoint)).toMatchObject({ ok: true, unsealed: 0 });
    // The guard is there, its numbers go on, and so does the tree with the same key.
    expect(await refusalOf(handle.sql`delete from self_extension_events`)).not.toBeNull();
    const [next] = await handle.db.insert(selfExtensionEvents).values(anEvent()).returning();
    expect(next?.id).toBe(4);
    return await sealAndSave(handle, "to-embedded.gz");
  });
  expect(readTreeHead(second.checkpoint).size).toBeGreaterThan(readTreeHead(first.checkpoint).size);
  // What has a ledger is not restored over.
  await expect(restoreDatabase(onServer, first.file, "again")).rejects.toMatchObject({
    code: "restore-refused",
  });

  await restoreDatabase(after, second.file, "a test moves back");
  await using(after, async (handle) => {
    for (const seen of [first.checkpoint, second.checkpoint]) {
      expect(await verified(handle, seen)).toMatchObject({ ok: true, anchors: 1 });
    }
    const rows = await handle.db.select().from(selfExtensionEvents);
    expect(rows.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  });
});

async function using<T>(
  options: Parameters<typeof openDatabase>[0],
  work: (handle: DatabaseHandle) => Promise<T>,
): Promise<T> {
  const handle = await openDatabase(options);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

/** Seals everything with the one key that moves along, and writes a backup. */
async function sealAndSave({ db, sql }: DatabaseHandle, name: string) {
  const stateDirectory = join(directory, "before");
  await (await startSealer({ db, stateDirectory, everyMs: 3_600_000 })).stop();
  const file = join(directory, name);
  const { checkpoint } = await writeBackup(sql, file);
  return { file, checkpoint: checkpoint ?? "" };
}

async function verified({ db }: DatabaseHandle, checkpoint: string) {
  return await verifyLedger(db, { anchors: [anchorIn(checkpoint, "before")] });
}
