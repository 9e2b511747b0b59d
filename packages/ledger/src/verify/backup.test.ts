import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  actionAuditLog,
  actionProposals,
  agentState,
  goalAttempts,
  goals,
  putBlob,
  restoreBackup,
  selfExtensionEvents,
  writeBackup,
} from "@jarvis/db";
import { anAuditEvent, anEvent, createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anchorIn } from "../notes/anchor.ts";
import { readTreeHead } from "../notes/checkpoint.ts";
import { startSealer } from "../seal/sealer.ts";
import { verifyLedger } from "./verify-ledger.ts";

let source: TestDatabase;
let directory: string;
let file: string;
let checkpoint = "";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-backup-"));
  file = join(directory, "backup.gz");
  source = await createTestDatabase();
  await source.db
    .insert(selfExtensionEvents)
    .values(
      Array.from({ length: 300 }, (_, n) =>
        anEvent({ runId: `run-${n % 7}`, payload: { n, text: "tab\tnew\nline \\. \u00fc" } }),
      ),
    );
  // JSON has a null of its own, which a column that always has a value may hold.
  await source.sql`
    insert into self_extension_events
      (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
    values ('odd', 'c', 'failed', 's', 'a', 'a', 'k', 'null')`;
  await source.db.insert(actionAuditLog).values(anAuditEvent());
  // Tables are written in the order of their names, and this one refers to a later one.
  await source.db.insert(goals).values({ id: "goal", text: "a goal", requestedBy: "anna" });
  await source.db.insert(goalAttempts).values({ goalId: "goal", number: 1 });
  await putBlob(source.db, Buffer.from([0, 10, 92, 46, 10, 255]), "application/octet-stream");
  const sealer = await startSealer({
    db: source.db,
    stateDirectory: directory,
    everyMs: 3_600_000,
  });
  await sealer.stop();
  // Not sealed yet, and part of the backup all the same.
  await source.db.insert(selfExtensionEvents).values(anEvent({ runId: "late" }));
  const written = await writeBackup(source.sql, file);
  checkpoint = written.checkpoint ?? "";
});
afterAll(async () => {
  await source.close();
  rmSync(directory, { recursive: true, force: true });
});

describe("a backup", () => {
  it("is a file of its owner alone, and holds the ledger with what was signed of it", () => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readTreeHead(checkpoint).size).toBe(303);
    expect(gunzipSync(readFileSync(file)).toString("utf8")).not.toContain("PRIVATE KEY");
  });

  it("becomes the same ledger in another database, paused and observing, and it goes on", async () => {
    const target = await createTestDatabase();
    try {
      await restoreBackup(target.migratorUrl, file, "a test restores");
      const anchors = [anchorIn(checkpoint, "before")];
      expect(await verifyLedger(target.db, { anchors })).toMatchObject({
        ok: true,
        size: 303,
        unsealed: 1,
      });
      expect(await target.db.select().from(goalAttempts)).toMatchObject([{ goalId: "goal" }]);
      const orphan = target.db.insert(goalAttempts).values({ goalId: "nobody", number: 1 });
      await expect(orphan).rejects.toMatchObject({ cause: { code: "23503" } });
      const switches = await target.db.select().from(agentState);
      expect(switches.find(({ key }) => key === "system:safety")?.value).toMatchObject({
        mode: "observe",
      });
      expect(
        switches.find(({ key }) => key === "self_extension:promotion_control")?.value,
      ).toMatchObject({ paused: true });
      // A server that knows nothing of its tables reads all of a ledger where a few rows would do.
      const unknown = await target.sql`
        select relname from pg_class where relnamespace = 'public'::regnamespace and reltuples < 0
          and relname in ('self_extension_events', 'action_audit_log', 'ledger_leaves', 'blobs')`;
      expect([...unknown]).toEqual([]);
      // Ids go on where they were, and the guard is where it was.
      const [next] = await target.db
        .insert(selfExtensionEvents)
        .values(anEvent({ runId: "late" }))
        .returning();
      expect(next).toMatchObject({ id: 303, seq: 2 });
      await target.db.insert(actionProposals).values(aProposal());
      const sealer = await startSealer({
        db: target.db,
        stateDirectory: directory,
        everyMs: 3_600_000,
      });
      await sealer.stop();
      expect(sealer.state().checkpoint?.size).toBe(305);
      await expect(
        target.db
          .update(selfExtensionEvents)
          .set({ stage: "x" })
          .where(eq(selfExtensionEvents.id, 1)),
      ).rejects.toThrow("Failed query");
      await expect(restoreBackup(target.migratorUrl, file, "again")).rejects.toMatchObject({
        code: "restore-refused",
        message: expect.stringContaining("has rows"),
      });
    } finally {
      await target.close();
    }
  });

  it("that is damaged, cut off or no backup leaves the database as it was", async () => {
    const target = await createTestDatabase();
    const text = gunzipSync(readFileSync(file)).toString("latin1");
    const zipped = (lines: string): Buffer => gzipSync(Buffer.from(lines, "latin1"));
    const emptyTable = (table: string): string =>
      `${JSON.stringify({ table, columns: ["id"] })}\n\\.\n`;
    const damaged: readonly (readonly [Buffer, string])[] = [
      [readFileSync(file).subarray(0, 2000), "Nothing was restored"],
      [zipped(text.replace(/^.*run-3.*\n/m, "")), "rows and has"],
      [zipped(text.replace(/\n\{"end".*\n$/, "\n")), "Nothing was restored"],
      [Buffer.from("nonsense"), "Nothing was restored"],
      [zipped(text.replace("\n", `\n${emptyTable("goals")}`)), "rows for goals"],
      [zipped(text.replace("\n", `\n${emptyTable("schema_info")}`)), "rows for schema_info"],
      [zipped(`${text}${emptyTable("goals")}`), "goes on after its end"],
    ];
    try {
      for (const [bytes, message] of damaged) {
        const path = join(directory, "damaged.gz");
        writeFileSync(path, bytes);
        await expect(restoreBackup(target.migratorUrl, path, "x")).rejects.toMatchObject({
          code: "restore-refused",
          message: expect.stringContaining(message),
        });
      }
      appendFileSync(join(directory, "damaged.gz"), "");
      expect(await target.db.select().from(selfExtensionEvents)).toEqual([]);
      await target.db.insert(selfExtensionEvents).values(anEvent());
    } finally {
      await target.close();
    }
  });
});

describe("a backup that is refused in its first line", () => {
  it("is not read on, and not held open", async () => {
    const target = await createTestDatabase();
    const path = join(directory, "refused.gz");
    // Random, so that it stays long; what is damaged comes some time after the first line.
    const whole = gzipSync(Buffer.concat([Buffer.from("nonsense\n"), randomBytes(2_000_000)]));
    writeFileSync(path, whole.fill(0, 200_000));
    const isOpen = (): boolean =>
      readdirSync("/proc/self/fd").some((fd) => targetOf(`/proc/self/fd/${fd}`) === path);
    try {
      await expect(restoreBackup(target.migratorUrl, path, "x")).rejects.toMatchObject({
        code: "restore-refused",
      });
      await expect.poll(isOpen).toBe(false);
    } finally {
      await target.close();
    }
  });
});

function targetOf(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}

function aProposal(): typeof actionProposals.$inferInsert {
  return {
    actionName: "x",
    parameters: {},
    parametersDigest: "x",
    reason: "x",
    effect: "read",
    risk: "low",
    needsApproval: false,
    requesterKind: "user",
    requestedBy: "x",
    sessionId: "x",
  };
}
