import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import {
  connect,
  databaseNameOf,
  drizzleOver,
  socketUrl,
  withDatabase,
  withoutPassword,
  withRole,
} from "./connection.ts";
import { createTestDatabase } from "./testing/index.ts";

const url = "postgresql://app:p+w%40rd@db.example:5433/jarvis?sslmode=require";

describe("a database URL", () => {
  it("gets a role without losing its password or what it asked for", () => {
    expect(withRole(url, "jarvis_runtime")).toBe(
      "postgresql://app:p+w%40rd@db.example:5433/jarvis?sslmode=require&options=-c%20role%3Djarvis_runtime",
    );
    expect(withRole(`${url}&options=-c%20jit%3Doff`, "x")).toContain(
      "options=-c%20jit%3Doff%20-c%20role%3Dx",
    );
  });

  it("is shown without its password and named by its database", () => {
    expect(withoutPassword(url)).toBe("postgresql://app@db.example:5433/jarvis");
    expect(databaseNameOf(withDatabase(url, "a b"))).toBe("a b");
  });

  it("over a socket carries any path", () => {
    const socket = socketUrl({
      user: "u",
      password: "p/w",
      database: "d",
      socketDirectory: "/a b/c,d",
    });
    expect(socket).toBe("postgresql://u:p%2Fw@localhost/d?host=%2Fa%20b%2Fc%2Cd");
  });

  it.each(["", "not a url", "mysql://h/d", "postgres://host", "postgres://u:secret@:x/d"])(
    "is refused when it is %j, without its password in the message",
    (wrong) => {
      const open = () => connect(wrong, { max: 1, role: undefined, applicationName: "test" });
      expect(open).toThrow(/expected postgresql:\/\/user:password@host:port\/database/);
      expect(open).not.toThrow(/secret/);
    },
  );
});

describe("a transaction", () => {
  it("that finds no server says that the database is away, whoever the network names", async () => {
    const nobody = "postgres://nobody:x@127.0.0.1:1/none";
    const client = connect(nobody, { max: 1, role: undefined, applicationName: "test" });
    const { code, message } = await failureOf(
      drizzleOver(client).transaction(async (tx) => await tx.execute(sql`select 1`)),
    );
    expect({ code, message }).toEqual({
      code: "database-unreachable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
    await client.end();
  });

  it("that was begun throws what its work throws", async () => {
    const database = await createTestDatabase();
    const { db } = database;
    const elsewhere = db.transaction(async () => await fetch("http://127.0.0.1:1/"));
    expect(await failureOf(elsewhere)).toBeInstanceOf(TypeError);
    const refused = db.transaction(async (tx) => await tx.execute(sql`select 1 / 0`));
    expect(await failureOf(refused)).toMatchObject({ cause: { code: "22012" } });
    await database.close();
  });
});

async function failureOf(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return await work.then(
    () => expect.fail("nothing was thrown"),
    (error: unknown) => error as Error,
  );
}
