import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, withDatabase } from "./connection.ts";
import type { SqlClient } from "./connection.ts";
import { DatabaseError } from "./errors.ts";
import { openDatabase } from "./open-database.ts";
import { selfExtensionEvents } from "./schema/index.ts";
import { anEvent, createTestDatabase, refusalOf } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

/*
 * An operator's server: a database whose owner may create roles and databases and is no superuser,
 * a login for run time that may do nothing, and a login that may not prepare anything.
 */
let database: TestDatabase;
let superuser: SqlClient;
let stateDirectory: string;
const suffix = randomBytes(4).toString("hex");
const [admin, app, stranger] = [`op_admin_${suffix}`, `op_app_${suffix}`, `op_none_${suffix}`];
const names = [`ext_a_${suffix}`, `ext_b_${suffix}`, `ext_c_${suffix}`] as const;

beforeAll(async () => {
  stateDirectory = join(mkdtempSync(join(tmpdir(), "jarvis-ext-")), "state");
  database = await createTestDatabase();
  superuser = connect(database.adminUrl, { max: 1, role: undefined, applicationName: "test" });
  await superuser.unsafe(`create role ${admin} login createrole createdb password 'pw'`);
  await superuser.unsafe(`create role ${app} login password 'pw'`);
  await superuser.unsafe(`create role ${stranger} login password 'pw'`);
  // The roles of Jarvis are the server's and exist here; an operator's own server made them by
  // this admin, who then has the admin option on them.
  const roles = "jarvis_guard, jarvis_owner, jarvis_migrator, jarvis_runtime";
  await superuser.unsafe(`grant ${roles} to ${admin} with admin option`);
  for (const name of names) {
    const owner = name === names[2] ? stranger : admin;
    await superuser.unsafe(`create database ${name} owner ${owner}`);
  }
});

afterAll(async () => {
  for (const name of names) await superuser.unsafe(`drop database ${name} with (force)`);
  // The memberships that the admin granted hang on it.
  await superuser.unsafe(`drop owned by ${admin} cascade`);
  for (const role of [app, stranger, admin]) await superuser.unsafe(`drop role ${role}`);
  await superuser.end();
  await database.close();
  rmSync(join(stateDirectory, ".."), { recursive: true, force: true });
});

describe("an operator's server", () => {
  it("is set up by one login that is no superuser, and used as jarvis_runtime", async () => {
    const handle = await openDatabase({ url: urlOf(admin, names[0]), stateDirectory });
    expect(handle).toMatchObject({ server: "external", ledgerGuard: "owner-ddl-unguarded" });
    expect(handle.ledgerGuardSql).toContain("create event trigger");
    const [session] = await handle.sql`select current_user, session_user`;
    expect(session).toEqual({ current_user: "jarvis_runtime", session_user: admin });
    await handle.db.insert(selfExtensionEvents).values(anEvent());
    const [event] = await handle.db.select().from(selfExtensionEvents);
    expect(event).toMatchObject({ seq: 1, dbUser: admin });
    expect((await refusalOf(handle.sql`delete from self_extension_events`))?.code).toBe("42501");
    await handle.close();
  });

  it("refuses changes of the ledger to the owner too, without any superuser", async () => {
    const owner = connect(urlOf(admin, names[0]), {
      max: 1,
      role: "jarvis_owner",
      applicationName: "test",
    });
    for (const statement of [
      "update self_extension_events set stage = 'x'",
      "delete from self_extension_events",
      "truncate self_extension_events",
    ]) {
      expect((await refusalOf(owner.unsafe(statement)))?.code).toBe("JG001");
    }
    await owner.end();
  });

  it("becomes enforced by the SQL that it reports", async () => {
    const before = await openDatabase({ url: urlOf(admin, names[0]), stateDirectory });
    const inDatabase = connect(withDatabase(database.adminUrl, names[0]), {
      max: 1,
      role: undefined,
      applicationName: "test",
    });
    await inDatabase.unsafe(before.ledgerGuardSql ?? "").simple();
    await Promise.all([inDatabase.end(), before.close()]);
    const after = await openDatabase({ url: urlOf(admin, names[0]), stateDirectory });
    expect(after.ledgerGuard).toBe("enforced");
    await after.close();
  });

  it("gives the runtime login of its own no more than jarvis_runtime, opened three times at once", async () => {
    const options = {
      url: urlOf(app, names[1]),
      adminUrl: urlOf(admin, names[1]),
      stateDirectory,
    };
    const open = () => openDatabase(options);
    const [first, ...others] = await Promise.all([open(), open(), open()]);
    await first.db.insert(selfExtensionEvents).values(anEvent());
    const [row] = await first.db.select().from(selfExtensionEvents);
    expect(row?.dbUser).toBe(app);
    expect((await refusalOf(first.sql`set role jarvis_owner`))?.code).toBe("42501");
    await Promise.all([first, ...others].map((handle) => handle.close()));
  });

  it("answers with the SQL for an administrator when the login may not prepare it", async () => {
    const refused = openDatabase({ url: urlOf(stranger, names[2]), stateDirectory });
    const error = await refused.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof DatabaseError)) throw new Error("expected a refusal");
    expect(error.code).toBe("database-not-prepared");
    expect(error.message).toContain("let an administrator run this in it");
    const inDatabase = connect(withDatabase(database.adminUrl, names[2]), {
      max: 1,
      role: undefined,
      applicationName: "test",
    });
    await inDatabase.unsafe(error.sql ?? "").simple();
    await inDatabase.end();
    const handle = await openDatabase({ url: urlOf(stranger, names[2]), stateDirectory });
    expect(handle.ledgerGuard).toBe("owner-ddl-unguarded");
    await handle.close();
  });

  it("says which URL it could not read or reach, without the password in it", async () => {
    await expect(openDatabase({ url: "not a url", stateDirectory })).rejects.toMatchObject({
      code: "database-url-invalid",
    });
    const nowhere = openDatabase({ url: "postgres://a:secret@127.0.0.1:1/x", stateDirectory });
    const error: unknown = await nowhere.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "database-unreachable" });
    expect(String(error)).not.toContain("secret");
    const wrong = openDatabase({
      url: urlOf(app, names[1]).replace(":pw@", ":guess@"),
      stateDirectory,
    });
    await expect(wrong).rejects.toMatchObject({
      code: "database-unreachable",
      message: expect.stringContaining("password authentication failed"),
    });
  });
});

function urlOf(user: string, name: string): string {
  const url = new URL(withDatabase(database.adminUrl, name));
  url.username = user;
  url.password = "pw";
  return url.toString();
}
