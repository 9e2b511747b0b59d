import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareAndSetAgentState } from "./agent-state.ts";
import { connect } from "./connection.ts";
import { KERNEL_SCHEMA, readSchemaFacts, requireKernelSchema } from "./kernel-schema.ts";
import { openTarget } from "./open-database.ts";
import type { DatabaseHandle } from "./open-database.ts";
import { selfExtensionEvents } from "./schema/index.ts";
import { migrationsFolder, prepareDatabase } from "./setup/prepare-database.ts";
import { anEvent, createTestDatabase } from "./testing/index.ts";
import type { TestDatabase } from "./testing/index.ts";

let database: TestDatabase;

describe("a kernel and the schema it finds", () => {
  beforeEach(async () => {
    database = await createTestDatabase();
  });

  afterEach(() => database.close());

  it("knows the schema that its own migrations make", async () => {
    expect(await readSchemaFacts(database.sql)).toMatchObject({ schemaVersion: KERNEL_SCHEMA });
  });

  it("works on the next schema, which its successor migrated and which only adds", async () => {
    await becomeSchema({ version: KERNEL_SCHEMA + 1, min: KERNEL_SCHEMA });
    const older = await reopen();
    await older.db.insert(selfExtensionEvents).values(anEvent());
    const outcome = await compareAndSetAgentState(older.db, "system:loop_health", {
      expectedVersion: 1,
      value: { state: "healthy" },
    });
    expect(outcome.outcome).toBe("written");
    await older.close();
  });

  it("is set up again, guarded as it is, when a release brings a change of set-up", async () => {
    const owner = connect(database.migratorUrl, {
      max: 1,
      role: "jarvis_owner",
      applicationName: "test",
    });
    await owner`update schema_info set prepared = 'an earlier release'`;
    await owner.end();
    const [first, second] = await Promise.all([reopen(), reopen()]);
    expect([first.ledgerGuard, second.ledgerGuard]).toEqual(["enforced", "enforced"]);
    await first.db.insert(selfExtensionEvents).values(anEvent());
    await Promise.all([first.close(), second.close()]);
  });

  it("changes nothing in a schema that is newer, even when asked to set it up", async () => {
    await becomeSchema({ version: KERNEL_SCHEMA + 1, min: KERNEL_SCHEMA });
    const before = await readSchemaFacts(database.sql);
    await prepareDatabase({ ...targetOf(database), runtimeLogin: "jarvis_runtime" });
    expect(await readSchemaFacts(database.sql)).toEqual(before);
  });

  it("refuses a schema that left it behind, before it touches anything", async () => {
    await becomeSchema({ version: KERNEL_SCHEMA + 1, min: KERNEL_SCHEMA + 1 });
    await expect(reopen()).rejects.toMatchObject({
      code: "kernel-too-old",
      message: `This release knows database schema ${KERNEL_SCHEMA}, but the database is at ${KERNEL_SCHEMA + 1} and needs at least ${KERNEL_SCHEMA + 1}: start a newer release.`,
    });
    const preparing = prepareDatabase({ ...targetOf(database), runtimeLogin: "jarvis_runtime" });
    await expect(preparing).rejects.toMatchObject({ code: "kernel-too-old" });
  });
});

describe("the minimum of a schema", () => {
  it.each([
    { kernel: 3, min: 3 },
    { kernel: 4, min: 3 },
  ])("$kernel works on a minimum of $min", ({ kernel, min }) => {
    expect(() => check(kernel, min)).not.toThrow();
  });

  it("2 does not work on a minimum of 3", () => {
    expect(() => check(2, 3)).toThrow(/needs at least 3/);
  });

  it("raises the minimum in no migration so far: that needs a person", () => {
    const journal = JSON.parse(readFileSync(`${migrationsFolder}/meta/_journal.json`, "utf8"));
    const minima = (journal as { entries: { tag: string }[] }).entries
      .map(({ tag }) => readFileSync(`${migrationsFolder}/${tag}.sql`, "utf8"))
      .flatMap((text) => [...text.matchAll(/set\s+[^;]*min_kernel_schema/gi)]);
    expect(minima).toEqual([]);
  });
});

function check(kernel: number, minKernelSchema: number): void {
  requireKernelSchema({ schemaVersion: 9, minKernelSchema }, kernel);
}

// What a successor's additive migration does.
async function becomeSchema(schema: { version: number; min: number }): Promise<void> {
  const owner = connect(database.migratorUrl, {
    max: 1,
    role: "jarvis_owner",
    applicationName: "test",
  });
  await owner`alter table agent_state add column note text`;
  await owner`create table addition (id int primary key)`;
  await owner`update schema_info set prepared = 'newer',
    schema_version = ${schema.version}, min_kernel_schema = ${schema.min}`;
  await owner`insert into drizzle.__drizzle_migrations (hash, created_at) values ('newer', 9999999999999)`;
  await owner.end();
}

function reopen(): Promise<DatabaseHandle> {
  return openTarget({ ...targetOf(database), server: "embedded" }, async () => {});
}

function targetOf(test: TestDatabase) {
  const { adminUrl, migratorUrl, runtimeUrl } = test;
  return { adminUrl, migratorUrl, runtimeUrl };
}
