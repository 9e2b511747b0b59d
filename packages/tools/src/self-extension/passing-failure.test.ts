import { connectForLease, DatabaseError } from "@jarvis/db";
import { createTestDatabase } from "@jarvis/db/testing";
import { LedgerError } from "@jarvis/ledger";
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { passingFailure } from "./passing-failure.ts";

async function thrownBy(work: () => Promise<unknown>): Promise<unknown> {
  return await work().then(
    () => expect.fail("nothing was thrown"),
    (error: unknown) => error,
  );
}

it("takes a database that ends a connection, or is gone, for something that passes", async () => {
  const database = await createTestDatabase();
  const ending = sql`select pg_terminate_backend(pg_backend_pid())`;
  const ended = await thrownBy(async () => await database.db.execute(ending));
  await database.close();
  const gone = await thrownBy(async () => await database.db.execute(sql`select 1`));
  const unreachable = new DatabaseError("database-unreachable", "It did not answer.");
  for (const error of [ended, gone, unreachable, new Error("in a step", { cause: gone })]) {
    expect(passingFailure(error)).toMatchObject({ reason: "database-unreachable" });
  }
});

it("takes a transaction that cannot be begun for one that passes", async () => {
  const nowhere = connectForLease("postgresql://nobody:nothing@127.0.0.1:1/none");
  const refused = await thrownBy(
    async () => await nowhere.begin(async () => await Promise.resolve()),
  );
  await nowhere.end({ timeout: 0 });
  expect(refused).toMatchObject({ code: "ECONNREFUSED" });
  expect(passingFailure(refused)).toMatchObject({ reason: "database-unreachable" });
});

it("takes what the database answers for an answer", async () => {
  const database = await createTestDatabase();
  const { db } = database;
  const refused = [
    await thrownBy(async () => await db.execute(sql`select 1 / 0`)),
    await thrownBy(
      async () => await db.transaction(async (tx) => await tx.execute(sql`select 1 / 0`)),
    ),
    // What is asked of somebody else in the middle of it is not the database's.
    await thrownBy(
      async () => await db.transaction(async () => await fetch("http://127.0.0.1:1/")),
    ),
  ];
  await database.close();
  for (const error of refused) expect(passingFailure(error)).toBeNull();
});

it("does not take a host's connection for the database's", async () => {
  const host = await thrownBy(async () => await fetch("http://127.0.0.1:1/"));
  expect(passingFailure(host)).toBeNull();
});

it("lets a run wait for the ledger to be sealed, and for room", () => {
  const unsealed = new LedgerError("not-sealed", "A writer does not end.");
  expect(passingFailure(unsealed)).toEqual({
    reason: "ledger-unsealed",
    detail: "A writer does not end.",
  });
  const full = Object.assign(new Error("x"), { code: "ENOSPC" });
  expect(passingFailure(full)).toMatchObject({ reason: "disk-low" });
  expect(passingFailure(new LedgerError("ledger-mismatch", "x"))).toBeNull();
});
