import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { socketUrl, databaseNameOf } from "./connection.ts";
import { queryReadOnly, type QueryAnswer, type QueryLimits } from "./read-only-query.ts";
import { createTestDatabase, type TestDatabase } from "./testing/index.ts";

const never = new AbortController().signal;
const limits: QueryLimits = { timeMs: 4_000, rows: 50, bytes: 20_000 };
const login = `test_reader_${process.pid}`;
const withGrant = `test_files_${process.pid}`;
let database: TestDatabase;
let reader: string;
let fileReader: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const admin = database.openAdmin();
  await admin
    .unsafe(
      `create table public.shop (id bigint, name text, at timestamptz);
       insert into public.shop values (9007199254740993, 'Grüße', '2026-01-02T03:04:05Z'), (2, null, null);
       create table public.hidden (secret text);
       create sequence public.counter;
       create role ${login} login password 'reader-pw';
       create role ${withGrant} login password 'reader-pw';
       grant pg_read_server_files to ${withGrant};
       grant select, insert, update, delete on public.shop to ${login};
       grant usage on sequence public.counter to ${login};`,
    )
    .simple();
  await admin.end();
  reader = urlFor(login);
  fileReader = urlFor(withGrant);
});

afterAll(async () => {
  const admin = database.openAdmin();
  await admin.unsafe(`drop owned by ${login}, ${withGrant}; drop role ${login}, ${withGrant}`);
  await admin.end();
  await database.close();
});

describe("a query of somebody who is not trusted", () => {
  it("reads, and every value comes as the server writes it", async () => {
    expect(await read("select id, name, at, name as name from shop order by id desc;")).toEqual({
      columns: ["id", "name", "at", "name"],
      rows: [
        ["9007199254740993", "Grüße", expect.stringContaining("2026-01-02") as string, "Grüße"],
        ["2", null, null, null],
      ],
      isWhole: true,
    });
    expect(await read("with a as (values (1), (2)) table a -- all of it")).toMatchObject({
      rows: [["1"], ["2"]],
    });
    expect(await read("select from shop")).toMatchObject({ columns: [], rows: [[], []] });
  });

  it.each([
    ["writes", "insert into shop values (3)", "unreadable"],
    [
      "writes below a select",
      "with x as (delete from shop returning *) select * from x",
      "not-allowed",
    ],
    ["locks rows", "select * from shop for update", "not-allowed"],
    ["takes a number of a sequence", "select nextval('counter')", "not-allowed"],
    ["makes the transaction one that writes", "set transaction read write", "unreadable"],
    [
      "does so within a query",
      "select set_config('transaction_read_only', 'off', false)",
      "not-allowed",
    ],
    ["is several statements", "select 1; delete from shop", "unreadable"],
    ["commits before it goes on", "commit; begin; delete from shop", "unreadable"],
    ["leaves the brackets that it is put in", "select 1) as q, (select 2", "unreadable"],
    ["leaves them behind a comment", "select 1 /*", "unreadable"],
    ["copies", "copy shop to stdout", "unreadable"],
    ["runs a program", "copy shop to program 'true'", "unreadable"],
    ["runs code", "do $$ begin end $$", "unreadable"],
    ["reads a file of the server", "select pg_read_file('/etc/passwd')", "not-allowed"],
    ["reads what its login may not", "select * from hidden", "not-allowed"],
    ["reads Jarvis's own tables", "select * from action_proposals", "not-allowed"],
    ["makes a table", "select 1 into temporary mine", "unreadable"],
    ["awaits a value", "select $1::int", "unreadable"],
    ["holds a NUL", "select 1\0", "unreadable"],
    ["is none", "nonsense", "unreadable"],
    ["is empty", " ", "unreadable"],
  ])("is refused where it %s", async (_what, text, code) => {
    await expect(read(text)).rejects.toMatchObject({ name: "QueryRefused", code });
    expect((await read("select count(*) from shop")).rows).toEqual([["2"]]);
  });

  it("is stopped when it takes too long, also where it takes its own limit off", async () => {
    const short = { ...limits, timeMs: 400 };
    const slow = [
      "select pg_sleep(60)",
      "select set_config('statement_timeout', '0', false), pg_sleep(0.02) from generate_series(1, 3000)",
    ];
    for (const text of slow) {
      const beganAt = performance.now();
      await expect(read(text, short)).rejects.toMatchObject({ code: "too-long" });
      expect(performance.now() - beganAt).toBeLessThan(3_000);
    }
    const stop = AbortSignal.timeout(100);
    await expect(queryReadOnly(reader, "select pg_sleep(60)", limits, stop)).rejects.toMatchObject({
      code: "too-long",
    });
  });

  it("is cut at the rows and bytes that an answer may have", async () => {
    const many = await read("select generate_series(1, 1000000)");
    expect([many.rows.length, many.isWhole]).toEqual([50, false]);
    const wide = await read("select repeat('x', 6000) from generate_series(1, 40)");
    expect([wide.rows.length, wide.isWhole]).toEqual([3, false]);
    const exactly = await read("select generate_series(1, 50)");
    expect([exactly.rows.length, exactly.isWhole]).toEqual([50, true]);
  });

  it.each([
    ["a value", "select repeat('x', 30000000)"],
    ["an error", "select repeat('x', 30000000)::int"],
  ])("is cut off where it brings %s that is too long for who asks", async (_what, text) => {
    await expect(read(text)).rejects.toMatchObject({ code: "too-large" });
  });

  it("is not asked with a login that may do more than read", async () => {
    for (const url of [database.adminUrl, database.runtimeUrl, fileReader]) {
      await expect(queryReadOnly(url, "select 1", limits, never)).rejects.toMatchObject({
        code: "login-too-powerful",
      });
    }
  });

  it("has no answer where the server has none, and says nothing of the password", async () => {
    const wrong = reader.replace("reader-pw", "another-pw");
    const nowhere = "postgresql://me:secret-pw@127.0.0.1:1/none";
    for (const url of [wrong, nowhere]) {
      const refused = queryReadOnly(url, "select 1", limits, never);
      await expect(refused).rejects.toMatchObject({ code: "unreachable" });
      await expect(refused).rejects.not.toThrow(/-pw/);
    }
  });
});

async function read(text: string, within = limits): Promise<QueryAnswer> {
  return await queryReadOnly(reader, text, within, never);
}

function urlFor(user: string): string {
  const socketDirectory = new URL(database.adminUrl).searchParams.get("host") ?? "";
  const name = databaseNameOf(database.adminUrl);
  return socketUrl({ user, password: "reader-pw", database: name, socketDirectory });
}
