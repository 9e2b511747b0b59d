import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  appendFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  destroyEmbedded,
  openDatabase,
  selfExtensionEvents,
  type DatabaseHandle,
} from "@jarvis/db";
import { anEvent, prepareTestState } from "@jarvis/db/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSealer } from "../seal/sealer.ts";
import { verifyLedger } from "./verify-ledger.ts";

/*
 * Whoever can write the files of the cluster needs no password and no SQL. The server is stopped, a
 * row is edited in its file, the server is started again.
 */

const marker = "the-truth-0123456789";
const lie = "the-lies--0123456789";

let stateDirectory: string;
let handle: DatabaseHandle;

beforeAll(async () => {
  stateDirectory = join(mkdtempSync(join(tmpdir(), "jarvis-files-")), "state");
  await prepareTestState(stateDirectory);
  handle = await openDatabase({ stateDirectory });
  await handle.db
    .insert(selfExtensionEvents)
    .values([anEvent({ runId: "a" }), anEvent({ runId: "b", stage: marker }), anEvent()]);
  const sealer = await startSealer({ db: handle.db, stateDirectory, everyMs: 3_600_000 });
  await sealer.stop();
});

afterAll(async () => {
  await handle.close().catch(() => undefined);
  await destroyEmbedded(stateDirectory);
  rmSync(join(stateDirectory, ".."), { recursive: true, force: true });
});

describe("an event that was edited in the files of the cluster", () => {
  it("is not read at all where the page's checksum was forgotten", async () => {
    await handle.close({ stopServer: true });
    expect(edit()).toBe(1);
    handle = await openDatabase({ stateDirectory });
    await expect(verifyLedger(handle.db, { anchors: [] })).rejects.toThrow("Failed query");
  });

  it("is named where the checksum does not give it away", async () => {
    await handle.close({ stopServer: true });
    // What whoever computes the page's checksum anew achieves.
    appendFileSync(join(data(), "postgresql.conf"), "\nignore_checksum_failure = on\n");
    handle = await openDatabase({ stateDirectory });
    const report = await verifyLedger(handle.db, { anchors: [] });
    expect(report.divergences).toMatchObject([
      { attack: "event-changed", ledger: "self_extension_events", eventId: 2 },
    ]);
  });
});

function data(): string {
  const record = JSON.parse(
    readFileSync(join(stateDirectory, "postgres/cluster.json"), "utf8"),
  ) as {
    root: string;
  };
  return join(record.root, "data");
}

/** Answers in how many files the row was found. */
function edit(): number {
  let edited = 0;
  for (const name of readdirSync(join(data(), "base"), { recursive: true, encoding: "utf8" })) {
    const path = join(data(), "base", name);
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch {
      continue;
    }
    const at = bytes.indexOf(marker);
    if (at < 0) continue;
    bytes.write(lie, at);
    // In place: the file belongs to the server's user.
    writeFileSync(path, bytes, { flag: "r+" });
    edited += 1;
  }
  return edited;
}
