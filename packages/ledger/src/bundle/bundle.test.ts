import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ledgerRecords, putBlob, selfExtensionEvents } from "@jarvis/db";
import { anEvent, createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStatement, signStatement } from "../attest/envelope.ts";
import {
  testResultStatement,
  verificationSummaryStatement,
  type PromotionFacts,
} from "../attest/statements.ts";
import { rotateSigningKey } from "../keys/key-records.ts";
import { anchorIn, type Anchor } from "../notes/anchor.ts";
import { readTreeHead, signCheckpoint } from "../notes/checkpoint.ts";
import type { NoteSigner } from "../notes/signed-note.ts";
import { emptyRecordedBlob } from "../seal/empty-blob.ts";
import { startSealer, type Sealer } from "../seal/sealer.ts";
import { appendRecord } from "../store/records.ts";
import { startTestSealer, type TestSealer } from "../testing/index.ts";
import { verifyLedger } from "../verify/verify-ledger.ts";
import { parseEventName, type Bundle } from "./bundle.ts";
import { checkBundle } from "./check-bundle.ts";
import { proveEvent } from "./prove-event.ts";

let database: TestDatabase;
let sealer: TestSealer;
const anchors: Anchor[] = [];
const facts: PromotionFacts = {
  runId: "run-a",
  repository: "http://127.0.0.1/local/project",
  baseSha: "b".repeat(40),
  headSha: "c".repeat(40),
  treeSha: "d".repeat(40),
  releaseDigest: `sha256:${"1".repeat(64)}`,
  evidenceDigest: `sha256:${"2".repeat(64)}`,
  configDigest: `sha256:${"3".repeat(64)}`,
  verifiedAt: "2026-01-01T00:00:00Z",
  sandbox: { tier: "bubblewrap", version: "0.8" },
  testEvidence: "black-box",
  gates: [{ name: "test", status: "passed", control: "failed as it must" }],
  permit: { actionId: 7, approvedBy: null },
};

beforeAll(async () => {
  database = await createTestDatabase();
  sealer = await startTestSealer(database.db, { everyMs: 3_600_000 });
  const attestations = [testResultStatement(facts), verificationSummaryStatement(facts)]
    .map((statement) => `${signStatement(statement, sealer.signer)}\n`)
    .join("");
  const digest = await putBlob(database.db, Buffer.from(attestations), "application/jsonl");
  await appendRecord(database.db, {
    kind: "evidence_attested",
    actor: "kernel",
    data: { runId: "run-a", digest },
  });
  for (const [batch, runId] of ["run-a", "run-b", "run-c"].entries()) {
    // What whoever sends a bundle could add behind the last anchor: true words, told of another run.
    if (runId === "run-c") {
      const data = { runId, digest };
      await appendRecord(database.db, { kind: "evidence_attested", actor: "nobody", data });
    }
    await database.db
      .insert(selfExtensionEvents)
      .values(Array.from({ length: 40 }, () => anEvent({ runId })));
    await sealer.sealNow();
    if (batch < 2) anchors.push(newestAnchor(sealer, `commit ${batch}`));
  }
});
afterAll(async () => {
  await sealer.stop();
  await database.close();
});

describe("a bundle", () => {
  it("proves an event to who has the anchors and nothing else", async () => {
    const verdict = checkBundle(throughAFile(await prove(5)), anchors);
    expect(verdict).toMatchObject({
      ledger: "self_extension_events",
      id: 5,
      anchoredBy: "commit 0",
      checkpointSize: 123,
      row: { run_id: "run-a" },
    });
    expect(verdict.statements).toMatchObject([
      { predicateType: "https://in-toto.io/attestation/test-result/v0.1" },
      { predicate: { verificationResult: "PASSED", jarvis: { permit: { actionId: 7 } } } },
    ]);
    expect(checkBundle(await prove(60), anchors)).toMatchObject({ anchoredBy: "commit 1" });
  });

  const lies: readonly (readonly [string, (bundle: Bundle) => void, string])[] = [
    [
      "another content",
      (b) => (b.event.content = b.event.content.replace("a fact", "a lie!")),
      "the event",
    ],
    ["another id", (b) => (b.event.id += 1), "the proved row is 5"],
    ["another ledger", (b) => (b.event.ledger = "action_audit_log"), "the proved row is 5"],
    ["another place", (b) => (b.event.index += 1), "the event"],
    ["a hash that differs", (b) => (b.event.proof[0] = `${"A".repeat(43)}=`), "the event"],
    [
      "a checkpoint of another size",
      (b) => (b.checkpoint = b.checkpoint.replace("\n123\n", "\n122\n")),
      "does not fit its text",
    ],
    [
      "a checkpoint that nobody signed",
      (b) => (b.checkpoint = b.checkpoint.replace(/— .*/s, "— jarvis.local/x AAAAAAAA\n")),
      "known key",
    ],
    ["a key that the tree does not hold", (b) => (b.keys[0] = { ...b.event }), "is no key"],
    ["no key", (b) => (b.keys = []), "known key"],
    [
      "an anchor that its tree does not go on from",
      (b) => b.anchors[0]?.proof.pop(),
      "not a continuation",
    ],
    ["no anchor", (b) => (b.anchors = []), "carries no checkpoint"],
    [
      "an attestation that was not sealed",
      (b) => b.evidence.forEach((e) => (e.attestations += "\n")),
      "not the one that was sealed",
    ],
    ["another shape", (b) => Reflect.deleteProperty(b, "checkpoint"), "shape"],
  ];
  it.each(lies)("is refused with %s", async (_, lie, why) => {
    const forged = throughAFile(await prove(5)) as Bundle;
    lie(forged);
    expect(() => checkBundle(forged, anchors)).toThrow(why);
  });

  it("is refused with evidence of another run", async () => {
    const forged = throughAFile(await prove(60)) as Bundle;
    forged.evidence = (await prove(5)).evidence;
    expect(forged.evidence).toHaveLength(1);
    expect(() => checkBundle(forged, anchors)).toThrow("about another run");
    const carried = [...anchors, newestAnchor(sealer, "commit 2")];
    const event = { ledger: "self_extension_events", id: 100 } as const;
    const told = await proveEvent(database.db, event, carried);
    expect(() => checkBundle(told, carried)).toThrow("about another run");
    const [first] = forged.evidence;
    if (first !== undefined) forged.evidence = [{ ...first, record: { ...forged.event } }];
    expect(() => checkBundle(forged, anchors)).toThrow("is none");
  });

  it("is refused with a key that the clone's history does not lead to", async () => {
    await onAnotherLedger(async ({ db, replaceKey, sealed }) => {
      const carried = [await sealed()];
      await replaceKey({ lost: true });
      const later = [...carried, await sealed()];
      const proved = await proveEvent(db, firstEvent, later);
      expect(() => checkBundle(proved, carried)).toThrow("a key is newer than every checkpoint");
      expect(checkBundle(proved, later)).toMatchObject({ id: 1, keyIntroduced: false });
      const alone = { ...proved, keys: proved.keys.slice(1) };
      expect(() => checkBundle(alone, later)).toThrow("not the one that its ledger is named by");
      const nameless = later.map((anchor) => ({ ...anchor, origin: null }));
      expect(() => checkBundle(proved, nameless)).toThrow("carries no checkpoint of this ledger");
    });
  });

  it("holds nothing that a key has signed since it was replaced", async () => {
    await onAnotherLedger(async ({ db, replaceKey, sealed, attest }) => {
      const carried = [await sealed()];
      const old = await replaceKey({ lost: false });
      const later = [...carried, await sealed()];
      const proved = await proveEvent(db, firstEvent, later);
      expect(checkBundle(proved, later)).toMatchObject({ id: 1, keyIntroduced: true });
      const { size, root } = readTreeHead(proved.checkpoint);
      const resigned = { ...proved, checkpoint: signCheckpoint({ size, root }, old).note };
      expect(() => checkBundle(resigned, later)).toThrow("no known key has signed it");
      await attest(old);
      const latest = [...later, await sealed()];
      const attested = await proveEvent(db, firstEvent, latest);
      expect(() => checkBundle(attested, latest)).toThrow("no key of the ledger has signed it");
    });
  });

  it("counts no attestation that lies behind what the clone carries", async () => {
    await onAnotherLedger(async ({ db, sealer: other, sealed, attest }) => {
      const carried = [await sealed()];
      await attest(other().signer);
      const later = [...carried, await sealed()];
      const proved = await proveEvent(db, firstEvent, later);
      expect(checkBundle(proved, carried)).toMatchObject({
        statements: [],
        unanchoredStatements: 1,
      });
      expect(checkBundle(proved, later)).toMatchObject({
        statements: [{ predicate: { jarvis: { runId: "run" } } }],
        unanchoredStatements: 0,
      });
    });
  });

  it("holds few of many anchors, and is accepted by a clone that has an old or a new one", async () => {
    const many = Array.from({ length: 750 }, () => anchors).flat();
    const proved = await proveEvent(database.db, { ledger: "self_extension_events", id: 5 }, many);
    expect(proved.anchors).toHaveLength(2);
    for (const anchor of anchors) {
      expect(checkBundle(throughAFile(proved), [anchor])).toMatchObject({ id: 5 });
    }
  });

  it("is refused where the clone carries another history, none, or an older one than the event", async () => {
    const bundle = await prove(5);
    const other = anchors.map((anchor) => ({ ...anchor, root: `${"A".repeat(43)}=` }));
    expect(() => checkBundle(bundle, other)).toThrow("carries no checkpoint of this ledger");
    expect(() => checkBundle(bundle, [])).toThrow("carries no checkpoint of this ledger");
    const newer = await prove(100);
    expect(() => checkBundle(newer, anchors)).toThrow("is older than the event");
  });

  it("is as valid where retention or a redaction has emptied what it names", async () => {
    const [attested] = await database.db
      .select()
      .from(ledgerRecords)
      .where(eq(ledgerRecords.kind, "evidence_attested"));
    const digest = String(attested?.data["digest"]);
    const change = { actor: "anna", reason: "a name stood in it" };
    expect(await emptyRecordedBlob(database.db, digest, change)).toBeGreaterThan(0);
    expect(await emptyRecordedBlob(database.db, digest, change)).toBeNull();
    expect(checkBundle(await prove(5), anchors)).toMatchObject({ id: 5, statements: [] });
    expect(await verifyLedger(database.db, { anchors })).toMatchObject({ ok: true, unsealed: 1 });
  });

  it("is made of no event that is unknown or not sealed", async () => {
    await expect(prove(4711)).rejects.toMatchObject({ code: "event-unknown" });
    const [row] = await database.db.insert(selfExtensionEvents).values(anEvent()).returning();
    await expect(prove(row?.id ?? 0)).rejects.toMatchObject({ code: "not-sealed" });
  });

  it("names its event as people do", () => {
    expect(parseEventName("12")).toEqual({ ledger: "self_extension_events", id: 12 });
    expect(parseEventName("actions:5")).toEqual({ ledger: "action_audit_log", id: 5 });
    for (const text of ["", "0", "x:1", "records:-1", "1e3"])
      expect(parseEventName(text)).toBeNull();
  });
});

describe("an attestation", () => {
  it("opens with the key that signed it and no other", () => {
    const text = signStatement(testResultStatement(facts), sealer.signer);
    expect(openStatement(text, [sealer.signer]).keyId).toBe(sealer.signer.keyId);
    expect(() => openStatement(text, [])).toThrow("no key of the ledger");
    const payload = Buffer.from(
      JSON.stringify(testResultStatement({ ...facts, runId: "x", headSha: "e".repeat(40) })),
    );
    const bundle = JSON.parse(text) as { dsseEnvelope: { payload: string; payloadType: string } };
    bundle.dsseEnvelope.payload = payload.toString("base64");
    expect(() => openStatement(JSON.stringify(bundle), [sealer.signer])).toThrow("no key");
    expect(() => openStatement("{}", [sealer.signer])).toThrow("not a sigstore bundle");
  });
});

const firstEvent = { ledger: "self_extension_events", id: 1 } as const;

interface OtherLedger {
  readonly db: TestDatabase["db"];
  readonly sealer: () => Sealer;
  /** Seals, and answers the checkpoint as a clone would carry it. */
  readonly sealed: () => Promise<Anchor>;
  /** Answers the key that was replaced. */
  readonly replaceKey: (how: { lost: boolean }) => Promise<NoteSigner>;
  readonly attest: (signer: NoteSigner) => Promise<void>;
}

/** A ledger with one event of the run `run`, whose key can be replaced. */
async function onAnotherLedger(use: (ledger: OtherLedger) => Promise<void>): Promise<void> {
  const { db, close } = await createTestDatabase();
  const stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-bundle-"));
  const start = async (): Promise<Sealer> =>
    await startSealer({ db, stateDirectory, everyMs: 3_600_000 });
  await db.insert(selfExtensionEvents).values(anEvent({ runId: "run" }));
  let current = await start();
  try {
    await use({
      db,
      sealer: () => current,
      async sealed() {
        await current.sealNow();
        return newestAnchor(current, "a commit");
      },
      async replaceKey(how) {
        const { signer } = current;
        await current.stop();
        await rotateSigningKey(db, stateDirectory, { actor: "someone", reason: "due", ...how });
        current = await start();
        return signer;
      },
      async attest(signer) {
        const statement = verificationSummaryStatement({ ...facts, runId: "run" });
        const text = Buffer.from(`${signStatement(statement, signer)}\n`);
        const digest = await putBlob(db, text, "application/jsonl");
        const data = { runId: "run", digest };
        await appendRecord(db, { kind: "evidence_attested", actor: "kernel", data });
      },
    });
  } finally {
    await current.stop();
    await close();
    rmSync(stateDirectory, { recursive: true, force: true });
  }
}

function newestAnchor(of: Pick<Sealer, "state">, where: string): Anchor {
  return anchorIn(of.state().checkpoint?.note ?? "", where);
}

async function prove(id: number): Promise<Bundle> {
  return await proveEvent(database.db, { ledger: "self_extension_events", id }, anchors);
}

function throughAFile(bundle: Bundle): unknown {
  return JSON.parse(JSON.stringify(bundle));
}
