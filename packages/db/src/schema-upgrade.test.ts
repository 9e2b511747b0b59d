import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "drizzle-orm/postgres-js/migrator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, drizzleOver, withDatabase } from "./connection.ts";
import type { SqlClient } from "./connection.ts";
import { openTarget } from "./open-database.ts";
import { actionAuditLog, selfExtensionEvents } from "./schema/index.ts";
import { installDdlGuard } from "./setup/ddl-guard.ts";
import { migrationsFolder } from "./setup/prepare-database.ts";
import { prepareRoles } from "./setup/roles.ts";
import { anAuditEvent, anEvent, createTestDatabase } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

const name = `test_${process.pid}_${randomBytes(6).toString("hex")}`;
const migrationsOfSchema1 = 3;
let database: TestDatabase;
let superuser: SqlClient;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = database.openAdmin();
  await superuser.unsafe(`create database ${name}`);
  await superuser.unsafe(`grant create on database ${name} to jarvis_owner, jarvis_migrator`);
});

afterAll(async () => {
  await superuser.unsafe(`drop database ${name} with (force)`);
  await superuser.end();
  await database.close();
});

describe("a database of schema 1 that was in use, its DDL guarded", () => {
  it("becomes the schema of today with its events, and both ledgers are guarded", async () => {
    await leaveAtSchema1();
    const opened = await openTarget(
      {
        runtimeUrl: withDatabase(database.runtimeUrl, name),
        adminUrl: withDatabase(database.adminUrl, name),
        migratorUrl: withDatabase(database.migratorUrl, name),
        server: "embedded",
      },
      async () => {},
    );
    expect(opened.ledgerGuard).toBe("enforced");
    expect(await opened.db.select().from(selfExtensionEvents)).toHaveLength(1);
    await opened.db.insert(actionAuditLog).values(anAuditEvent());
    await opened.close();
  });
});

async function leaveAtSchema1(): Promise<void> {
  const url = withDatabase(database.adminUrl, name);
  const admin = connect(url, { max: 1, role: undefined, applicationName: "test" });
  const [login] = await admin`select session_user::text as name`;
  await prepareRoles(admin, {
    database: name,
    adminLogin: String(login?.["name"]),
    runtimeLogin: "jarvis_runtime",
  });
  const owner = connect(url, { max: 1, role: "jarvis_owner", applicationName: "test" });
  const older = firstMigrations(migrationsOfSchema1);
  await migrate(drizzleOver(owner), { migrationsFolder: older });
  rmSync(older, { recursive: true });
  await installDdlGuard(admin);
  await drizzleOver(owner).insert(selfExtensionEvents).values(anEvent());
  await Promise.all([owner.end(), admin.end()]);
}

function firstMigrations(count: number): string {
  const folder = mkdtempSync(join(tmpdir(), "jarvis-schema-1-"));
  cpSync(migrationsFolder, folder, { recursive: true });
  const path = join(folder, "meta", "_journal.json");
  const journal = JSON.parse(readFileSync(path, "utf8")) as { entries: unknown[] };
  writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, count) }));
  return folder;
}
