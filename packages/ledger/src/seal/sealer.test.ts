import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, chmodSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { actionAuditLog, selfExtensionEvents } from "@jarvis/db";
import {
  anAuditEvent,
  anEvent,
  createTestDatabase,
  tamper,
  type TestDatabase,
} from "@jarvis/db/testing";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { rotateSigningKey, readKeys } from "../keys/key-records.ts";
import { proveConsistency } from "../merkle/build-proof.ts";
import { verifyConsistency } from "../merkle/verify-proof.ts";
import { openCheckpoint } from "../notes/checkpoint.ts";
import { encodeVerifier, noteVerifier } from "../notes/signed-note.ts";
import { appendRecord } from "../store/records.ts";
import { newestIds, sealedIds } from "../store/sealed-rows.ts";
import { readTreeSize, storedSubtrees } from "../store/tree-store.ts";
import { verifyLedger } from "../verify/verify-ledger.ts";
import { abandonStatement } from "./abandoned-history.ts";
import { readNewestSeen } from "./newest-seen.ts";
import { sealBatch } from "./seal-batch.ts";
import { startSealer, type Sealer } from "./sealer.ts";

// The loop would seal between two steps of a test.
const byHand = 3_600_000;

let database: TestDatabase;
let stateDirectory: string;
const open: Sealer[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-sealer-"));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((sealer) => sealer.stop()));
  await database.close();
  rmSync(stateDirectory, { recursive: true, force: true });
});

const guarded = [
  "self_extension_events",
  "action_audit_log",
  "ledger_records",
  "ledger_leaves",
  "ledger_nodes",
  "ledger_checkpoints",
];

describe("sealing", () => {
  it("seals both ledgers and its own key under one signed checkpoint", async () => {
    await insertEvents(3);
    await database.db.insert(actionAuditLog).values(anAuditEvent());
    const sealer = await start();
    const { checkpoint } = sealer.state();
    const signed = openCheckpoint(checkpoint?.note ?? "", [sealer.signer]);
    expect(signed.size).toBe(5);
    expect(signed.origin).toMatch(/^jarvis\.local\/ledger\/[0-9a-f]{16}$/);
    expect(await readTreeSize(database.db)).toBe(5);
  });

  it("adds nothing where nothing is new, and goes on from where it was", async () => {
    const sealer = await start();
    await sealer.sealNow();
    expect(sealer.state().checkpoint?.size).toBe(1);
    await insertEvents(600);
    await sealer.sealNow();
    await sealer.stop();
    const next = await start();
    await insertEvents(2);
    await next.sealNow();
    expect(next.state().checkpoint?.size).toBe(603);
    await expectConsistent(next);
  });

  it("writes down the newest checkpoint, also where nothing comes after it", async () => {
    const sealer = await start({ everyMs: 50 });
    for (const size of [2, 3]) {
      await insertEvents(1);
      await sealer.sealNow();
      expect(sealer.state().checkpoint?.size).toBe(size);
    }
    await expect.poll(() => readNewestSeen(stateDirectory)?.size, { timeout: 3000 }).toBe(3);
  });

  it("does not skip an event that is committed after one with a higher id", async () => {
    const sealer = await start();
    const late = database.openAdmin();
    await late.unsafe(`begin; set local role jarvis_runtime`);
    await late.unsafe(insertSql("late"));
    await insertEvents(1);
    const sealing = sealer.sealNow();
    // The open transaction holds the lower id: nothing past it may be sealed yet.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await readTreeSize(database.db)).toBe(1);
    await late.unsafe("commit");
    await sealing;
    expect(await readTreeSize(database.db)).toBe(3);
    await late.end();
  });

  it("says so where a writer does not end, and seals once it has", async () => {
    const sealer = await start();
    const stuck = database.openAdmin();
    await stuck.unsafe(`begin; ${insertSql("stuck")}`);
    await insertEvents(1);
    await expect(sealer.sealNow()).rejects.toMatchObject({ code: "not-sealed" });
    expect(sealer.state().problem).toContain("pg_locks");
    await stuck.unsafe("rollback");
    await insertEvents(1);
    await sealer.sealNow();
    expect(sealer.state()).toMatchObject({ problem: null, checkpoint: { size: 3 } });
    await stuck.end();
  });

  it("says so where another session holds the seal, and seals once it has ended", async () => {
    const sealer = await start();
    const stuck = database.openAdmin();
    await stuck.unsafe(`begin; select pg_advisory_xact_lock(hashtextextended('jarvis sealer', 0))`);
    await insertEvents(1);
    await expect(sealer.sealNow()).rejects.toMatchObject({ code: "not-sealed" });
    expect(sealer.state().problem).toContain("Another session");
    await stuck.unsafe("rollback");
    await sealer.sealNow();
    expect(sealer.state()).toMatchObject({ problem: null, checkpoint: { size: 2 } });
    await stuck.end();
  });

  it("answers the first checkpoint over an event, the same for ever", async () => {
    const sealer = await start();
    const [id = 0] = await insertEvents(1);
    const row = { ledger: "self_extension_events", id } as const;
    const first = await sealer.cover(row);
    await insertEvents(5);
    await sealer.sealNow();
    expect(await sealer.cover(row)).toEqual(first);
    const missing = sealer.cover({ ...row, id: id + 1000 }, 50);
    await expect(missing).rejects.toMatchObject({ code: "not-sealed" });
  });

  it("waits no longer for a checkpoint, or for a writer, where the clock was set back", async () => {
    const sealer = await start();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3_600_000 });
    onTestFinished(() => void vi.useRealTimers());
    const missing = sealer.cover({ ledger: "self_extension_events", id: 1000 }, 50);
    vi.setSystemTime(Date.now() - 3_600_000);
    await expect(missing).rejects.toMatchObject({ code: "not-sealed" });
    const stuck = database.openAdmin();
    await stuck.unsafe(`begin; ${insertSql("stuck")}`);
    await insertEvents(1);
    await expect(sealer.sealNow()).rejects.toMatchObject({ code: "not-sealed" });
    await stuck.unsafe("rollback");
    await stuck.end();
  });

  it("gives way to who goes on writing, and to nobody where somebody waits", async () => {
    const sealer = await start({ everyMs: 20, giveWayMs: byHand });
    await insertEvents(3000);
    while ((sealer.state().checkpoint?.size ?? 0) < 2000) await insertEvents(1);
    const { checkpoint } = sealer.state();
    await sleep(300);
    expect(sealer.state().checkpoint).toEqual(checkpoint);
    const { self_extension_events: id } = await newestIds(database.db);
    const over = await sealer.cover({ ledger: "self_extension_events", id });
    expect(over.size).toBeGreaterThan(3000);
  });

  it("gives way again after somebody has waited, while the flood goes on", async () => {
    const sealer = await start({ everyMs: 20, giveWayMs: 1000 });
    const rests = async (): Promise<boolean> => {
      const { checkpoint } = sealer.state();
      await sleep(500);
      return sealer.state().checkpoint === checkpoint;
    };
    const over = new AbortController();
    const flood = (async () => {
      while (!over.signal.aborted) await insertEvents(3000);
    })();
    await expect.poll(rests, { timeout: 20_000 }).toBe(true);
    const { self_extension_events: id } = await newestIds(database.db);
    await sealer.cover({ ledger: "self_extension_events", id });
    await expect.poll(rests, { timeout: 20_000 }).toBe(true);
    over.abort();
    await flood;
  });

  it("works off a backlog without a rest where nobody writes", async () => {
    const sealer = await start({ everyMs: 20, giveWayMs: byHand });
    await insertEvents(4500);
    await expect.poll(() => sealer.state().checkpoint?.size, { timeout: 20_000 }).toBe(4501);
  });

  it("makes one history where two sealers and eight writers work at once", async () => {
    const [one, two] = [await start(), await start()];
    await Promise.all([
      ...Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; n < 25; n += 1) await insertEvents(1, `writer-${writer}`);
      }),
      ...[one, two].map(async (sealer) => {
        for (let n = 0; n < 15; n += 1) await sealer.sealNow();
      }),
    ]);
    await one.sealNow();
    expect(await readTreeSize(database.db)).toBe(201);
    const rows = await database.db.execute(sql`
      select count(*)::int as "missing" from self_extension_events event where not exists (
        select from ledger_leaves where ledger = 1 and event_id = event.id)`);
    expect([...rows]).toEqual([{ missing: 0 }]);
    await expectConsistent(one);
  });
});

describe("a start", () => {
  it("refuses a database that ends before the newest checkpoint that was seen", async () => {
    await insertEvents(3);
    const sealer = await start();
    await sealer.stop();
    await asSuperuser("delete from ledger_checkpoints; delete from ledger_leaves");
    await expect(start()).rejects.toMatchObject({ code: "ledger-behind" });
  });

  it("refuses a tree whose leaves are not those that were seen", async () => {
    await insertEvents(3);
    await (await start()).stop();
    await asSuperuser("update ledger_leaves set leaf_hash = sha256('forged') where leaf_index = 1");
    await expect(start()).rejects.toMatchObject({ code: "ledger-mismatch" });
  });

  it("refuses a checkpoint that no key of the ledger signed", async () => {
    await insertEvents(3);
    await (await start()).stop();
    rmSync(join(stateDirectory, "ledger/checkpoint"));
    await asSuperuser("update ledger_checkpoints set note = replace(note, E'\\n4\\n', E'\\n5\\n')");
    await expect(start()).rejects.toMatchObject({ code: "malformed-note" });
  });

  it("keeps its key to itself, and refuses one that others could have read", async () => {
    await (await start()).stop();
    const path = join(stateDirectory, "ledger/key.pem");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    chmodSync(path, 0o640);
    await expect(start()).rejects.toMatchObject({ code: "key-unsafe" });
  });

  it("refuses to sign with another key than the ledger's newest", async () => {
    await (await start()).stop();
    rmSync(join(stateDirectory, "ledger/key.pem"));
    await expect(start()).rejects.toMatchObject({ code: "key-missing" });
  });

  it("notices a file of the newest checkpoint that cannot be read", async () => {
    await (await start()).stop();
    writeFileSync(join(stateDirectory, "ledger/checkpoint"), "nonsense");
    await expect(start()).rejects.toMatchObject({ code: "malformed-note" });
  });
});

describe("a rotation", () => {
  it("is introduced by the key before it and signs from then on", async () => {
    const before = await start();
    await before.stop();
    const change = { actor: "someone", reason: "yearly", lost: false };
    const fresh = await rotateSigningKey(database.db, stateDirectory, change);
    const after = await start();
    expect(after.signer.keyId).toBe(fresh.keyId);
    expect(after.signer.name).toBe(before.signer.name);
    expect(openCheckpoint(after.state().checkpoint?.note ?? "", [fresh]).size).toBe(2);
    const keys = await readKeys(database.db);
    expect(keys.map(({ standing }) => standing)).toEqual(["first", "introduced"]);
  });

  it("without the old key is possible and shows for ever", async () => {
    await (await start()).stop();
    rmSync(join(stateDirectory, "ledger/key.pem"));
    const change = { actor: "someone", reason: "the disk died" };
    const refused = rotateSigningKey(database.db, stateDirectory, { ...change, lost: false });
    await expect(refused).rejects.toMatchObject({ code: "key-missing" });
    await rotateSigningKey(database.db, stateDirectory, { ...change, lost: true });
    await start();
    const keys = await readKeys(database.db);
    expect(keys.map(({ standing }) => standing)).toEqual(["first", "unvouched"]);
  });

  it("is no stranger's to make: a key that nobody vouched for takes no other's place", async () => {
    const before = await start();
    await before.stop();
    const { publicKey } = generateKeyPairSync("ed25519");
    const stranger = encodeVerifier(noteVerifier(before.signer.name, publicKey));
    for (const data of [{}, { verifier: stranger, introducedBy: null, reason: "mine" }]) {
      await appendRecord(database.db, { kind: "key_added", actor: "nobody", data });
    }
    expect((await start()).signer.keyId).toBe(before.signer.keyId);
    const change = { actor: "someone", reason: "yearly", lost: false };
    await rotateSigningKey(database.db, stateDirectory, change);
    const keys = await readKeys(database.db);
    expect(keys.map(({ standing }) => standing)).toEqual(["first", "unvouched", "introduced"]);
  });

  it("ends the key before it, which introduces no other one and signs nothing more", async () => {
    const before = await start();
    const { signer: old } = before;
    await before.stop();
    const change = { actor: "someone", reason: "it was read by others", lost: false };
    await rotateSigningKey(database.db, stateDirectory, change);
    await (await start()).stop();
    expect(await verifyLedger(database.db, { anchors: [] })).toMatchObject({
      ok: true,
    });
    const { publicKey } = generateKeyPairSync("ed25519");
    const verifier = encodeVerifier(noteVerifier(old.name, publicKey));
    const words = Buffer.from(`jarvis ledger key\n${verifier}\n`);
    const signature = sign(null, words, old.privateKey).toString("base64");
    const data = { verifier, introducedBy: { keyId: old.keyId, signature }, reason: "mine" };
    await appendRecord(database.db, { kind: "key_added", actor: "a thief", data });
    const keys = await readKeys(database.db);
    expect(keys.map(({ standing }) => standing)).toEqual(["first", "introduced", "unvouched"]);
    const ahead = { size: 1000, root: Buffer.alloc(32, 7).toString("base64") };
    const given = { from: 2, to: 1000, checkpoints: [ahead] };
    const forged = sign(null, abandonStatement(old.name, given), old.privateKey);
    const restored = {
      ...given,
      reason: "x",
      keyId: old.keyId,
      signature: forged.toString("base64"),
    };
    await appendRecord(database.db, { kind: "restored", actor: "a thief", data: restored });
    const seen = { ...ahead, origin: old.name, where: "the repository" };
    const truncated = await verifyLedger(database.db, { anchors: [seen] });
    expect(truncated.divergences).toMatchObject([{ attack: "ledger-truncated" }]);
    await sealBatch(database.db, old, null, await newestIds(database.db));
    expect((await verifyLedger(database.db, { anchors: [] })).divergences).toMatchObject([
      { attack: "checkpoint-forged", detail: expect.stringContaining("had replaced") },
    ]);
  });

  it("that was cut off is not made again over its only copy", async () => {
    await rotateAndCutOff();
    const change = { actor: "someone", reason: "yearly", lost: false };
    await rotateSigningKey(database.db, stateDirectory, change);
    const keys = await readKeys(database.db);
    expect(keys.map(({ standing }) => standing)).toEqual(["first", "introduced", "introduced"]);
  });

  it("that was cut off before its file was in place is finished by the next start", async () => {
    const fresh = await rotateAndCutOff();
    expect((await start()).signer.keyId).toBe(fresh.keyId);
  });
});

/** A rotation that was recorded, and ended before its file took the place of the old one. */
async function rotateAndCutOff(): ReturnType<typeof rotateSigningKey> {
  await (await start()).stop();
  const old = readFileSync(join(stateDirectory, "ledger/key.pem"));
  const change = { actor: "someone", reason: "yearly", lost: false };
  const fresh = await rotateSigningKey(database.db, stateDirectory, change);
  const made = readFileSync(join(stateDirectory, "ledger/key.pem"));
  writeFileSync(join(stateDirectory, "ledger/key.next.pem"), made, { mode: 0o600 });
  writeFileSync(join(stateDirectory, "ledger/key.pem"), old, { mode: 0o600 });
  return fresh;
}

async function start(pace: { everyMs?: number; giveWayMs?: number } = {}): Promise<Sealer> {
  const sealer = await startSealer({
    db: database.db,
    stateDirectory,
    everyMs: byHand,
    patienceMs: 300,
    ...pace,
  });
  open.push(sealer);
  return sealer;
}

async function insertEvents(count: number, runId = "run"): Promise<number[]> {
  const rows = await database.db
    .insert(selfExtensionEvents)
    .values(Array.from({ length: count }, () => anEvent({ runId })))
    .returning({ id: selfExtensionEvents.id });
  return rows.map(({ id }) => id);
}

function insertSql(runId: string): string {
  return `insert into self_extension_events
    (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
    values ('${runId}', 'c', 'failed', 's', 'a', 'a', '${Math.random()}', '{}')`;
}

/** As whoever has the superuser's password and knows of the guard. */
async function asSuperuser(statements: string): Promise<void> {
  const admin = database.openAdmin();
  await tamper(admin, guarded, statements);
  await admin.end();
}

async function expectConsistent(sealer: Sealer): Promise<void> {
  const rows = await database.db.execute(sql`select note from ledger_checkpoints order by size`);
  const trees = Array.from(rows).map((row) => openCheckpoint(String(row["note"]), [sealer.signer]));
  for (const [index, first] of trees.entries()) {
    const second = trees[index + 1];
    if (second === undefined) break;
    const proof = await proveConsistency(storedSubtrees(database.db), first.size, second.size);
    expect(verifyConsistency(first, second, proof)).toBe(true);
  }
  expect((await sealedIds(database.db)).self_extension_events).toBeGreaterThan(0);
}
