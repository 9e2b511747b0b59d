import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selfExtensionEvents } from "@jarvis/db";
import { anEvent, createTestDatabase, tamper, type TestDatabase } from "@jarvis/db/testing";
import { readSafetyState, setSafetyMode } from "@jarvis/operator-core";
import { getPromotionControlState } from "@jarvis/tools/self-extension";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { keepLedger, type LedgerKeeper } from "./ledger-keeper.ts";

let database: TestDatabase;
let stateDirectory: string;
let keeper: LedgerKeeper | null = null;

beforeEach(async () => {
  database = await createTestDatabase();
  stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-keeper-"));
  await database.db.insert(selfExtensionEvents).values([anEvent(), anEvent(), anEvent()]);
  await setSafetyMode(database.db, { mode: "execute", reason: "test", actor: "test" });
});
afterEach(async () => {
  await keeper?.stop();
  await database.close();
  rmSync(stateDirectory, { recursive: true, force: true });
});

describe("the ledger of a kernel", () => {
  it("is sealed and verified, and holds nothing up while it is what was sealed", async () => {
    keeper = await keep();
    expect(await keeper.verify("scheduled")).toMatchObject({ ok: true, anchors: 1 });
    expect(keeper.problem()).toBeNull();
    expect(keeper.status()).toMatchObject({ size: 5, verified: { report: { ok: true } } });
    expect((await getPromotionControlState(database.db)).paused).toBe(false);
  });

  it("pauses promotion, with the first divergent event, once it is something else", async () => {
    keeper = await keep();
    await asSuperuser("update self_extension_events set stage = 'forged' where id = 2");
    await keeper.verify("scheduled");
    expect(keeper.problem()?.reason).toBe("ledger-mismatch");
    const control = await getPromotionControlState(database.db);
    expect(control).toMatchObject({ paused: true, updatedBy: "system" });
    expect(control.reason).toContain("ledger-mismatch: event-changed: Row 2");
  });

  it("stays paused for what its sealer found, whatever a verification says of the rest", async () => {
    // The sealer looks by itself otherwise, and finds in the middle of this that all is well again.
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    keeper = await keep();
    const [{ note } = { note: "" }] = await database.sql<{ note: string }[]>`
      select note from ledger_checkpoints order by size desc limit 1`;
    await asSuperuser("delete from ledger_checkpoints");
    await database.db.insert(selfExtensionEvents).values(anEvent());
    const sealed = keeper.cover({ ledger: "self_extension_events", id: 4 }, 500);
    await expect(sealed).rejects.toMatchObject({ code: "not-sealed" });
    await expect.poll(() => keeper?.problem()?.reason).toBe("ledger-mismatch");
    await asSuperuser(
      `insert into ledger_checkpoints (size, note) select split_part('${note}', E'\n', 2)::bigint, '${note}'`,
    );
    expect(await keeper.verify("scheduled")).toMatchObject({ ok: true });
    expect(keeper.problem()?.reason).toBe("ledger-mismatch");
    await keeper.cover({ ledger: "self_extension_events", id: 4 });
    await expect.poll(() => keeper?.problem()).toBeNull();
  });

  it("that was set back starts paused and observing", async () => {
    await (await keep()).stop();
    await asSuperuser("delete from ledger_checkpoints; delete from ledger_leaves");
    keeper = await keep();
    expect(keeper.problem()?.reason).toBe("ledger-behind");
    expect((await getPromotionControlState(database.db)).paused).toBe(true);
    expect((await readSafetyState(database.db)).mode).toBe("observe");
    const row = { ledger: "self_extension_events", id: 1 } as const;
    await expect(keeper.cover(row)).rejects.toMatchObject({ code: "not-sealed" });
  });

  it("goes on from a restore that somebody accepted, and says so for ever", async () => {
    await (await keep()).stop();
    await asSuperuser("delete from ledger_checkpoints; delete from ledger_leaves");
    keeper = await keep();
    const change = { actor: "anna", reason: "the disk died" };
    expect(await keeper.acceptRestore(change)).toMatchObject({ from: 0, to: 5 });
    expect(keeper.problem()).toBeNull();
    const report = await keeper.verify("scheduled");
    expect(report).toMatchObject({ ok: true, remarks: [{ code: "history-abandoned" }] });
    // Promotion stays paused until a person has looked.
    expect((await getPromotionControlState(database.db)).paused).toBe(true);
    expect(await keeper.acceptRestore(change)).toBeNull();
  });

  it("is computed again once at a time, and says which of them nobody asked for", async () => {
    keeper = await keep();
    await keeper.verify("scheduled");
    const asked = keeper.verify("asked");
    const since = keeper.status().verifyingSince;
    expect(since).not.toBeNull();
    expect(await Promise.all([keeper.verify("asked"), asked])).toEqual([await asked, await asked]);
    expect(keeper.status().verified?.report).toBe(await asked);
    expect(await keeper.verify("asked")).not.toBe(await asked);
    const { verified, scheduled, verifyingSince } = keeper.status();
    expect(verifyingSince).toBeNull();
    expect(verified).toMatchObject({ cause: "asked", report: { ok: true } });
    expect(scheduled).toMatchObject({ cause: "scheduled", report: { checkpoint: { size: 5 } } });
    expect(scheduled).not.toBe(verified);
  });

  it("whose key is gone seals nothing, and says so", async () => {
    await (await keep()).stop();
    rmSync(join(stateDirectory, "ledger/key.pem"));
    keeper = await keep();
    expect(keeper.problem()).toMatchObject({
      reason: "ledger-unsealed",
      detail: expect.stringContaining("restore ledger/key.pem"),
    });
  });
});

/** Without a repository: what was seen is what the state directory has. */
async function keep(): Promise<LedgerKeeper> {
  const kept = await keepLedger({
    database,
    stateDirectory,
    takesOver: false,
    onProblem: () => undefined,
  });
  await kept.verify("restored");
  return kept;
}

/** As whoever knows of the guard, and puts it back afterwards. */
async function asSuperuser(statements: string): Promise<void> {
  const admin = database.openAdmin();
  await tamper(admin, ["self_extension_events", "ledger_checkpoints", "ledger_leaves"], statements);
  await admin.end();
}
