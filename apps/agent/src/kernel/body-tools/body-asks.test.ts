import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { actionAuditLog } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import {
  ActionExecutor,
  ActionRegistry,
  SafetyController,
  SessionRiskTracker,
} from "@jarvis/operator-core";
import { fetchBranch, openMirror, rememberBase } from "@jarvis/tools/self-extension";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plainProject, type TestRepository } from "../../testing/repository.ts";
import { kernelPolicy } from "../actions.ts";
import type { BodyRequests } from "../body/requests.ts";
import { bodyRequests } from "../serving/body-requests.ts";
import { fetchAction } from "./fetch-action.ts";
import { queryAction } from "./query-action.ts";

const directory = mkdtempSync(join(tmpdir(), "jarvis-asks-"));
const queryFile = join(directory, "databases.json");
const submitted: { patch: string; title: string; actor: string }[] = [];
const never = new AbortController().signal;
let database: TestDatabase;
let repository: TestRepository;
let safety: SafetyController;
let requests: BodyRequests;

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  repository = plainProject();
  const mirror = await openMirror(join(directory, "mirror.git"));
  const remote = { url: join(repository.directory, ".git"), authorization: null };
  await rememberBase(db, await fetchBranch(mirror, remote, "main"));
  const registry = new ActionRegistry();
  registry.register(fetchAction(["localhost.example", "127.0.0.1"]));
  registry.register(queryAction(queryFile));
  safety = new SafetyController(db);
  const sessions = new SessionRiskTracker();
  const executor = new ActionExecutor({ db, registry, policy: kernelPolicy, safety, sessions });
  await safety.setMode("execute", { reason: "test", actor: "test" });
  requests = bodyRequests({
    db,
    mirror,
    executor,
    pipeline: {
      async submit(input) {
        submitted.push(input as (typeof submitted)[number]);
        return await Promise.resolve({ runId: "a-run" });
      },
    },
  });
});

afterAll(async () => {
  await database.close();
  repository.remove();
  rmSync(directory, { recursive: true });
});

describe("a body that asks for the network", () => {
  const fetching = async (url: string) =>
    await requests.ask({ tool: "kernel-fetch", input: { url } }, never);

  it("gets hosts that are listed at public addresses, and nothing else", async () => {
    expect(await fetching("https://example.com/")).toMatchObject({
      outcome: "unavailable",
      reason: expect.stringContaining("does not list its host") as string,
    });
    expect(await fetching("http://127.0.0.1:5432/")).toMatchObject({
      outcome: "unavailable",
      reason: expect.stringContaining("not public") as string,
    });
    expect(await fetching("file:///etc/passwd")).toMatchObject({ outcome: "refused" });
  });

  it("gets nothing while Jarvis only observes", async () => {
    await safety.setMode("observe", { reason: "test", actor: "test" });
    expect(await fetching("https://example.com/")).toMatchObject({ outcome: "refused" });
    await safety.setMode("execute", { reason: "test", actor: "test" });
  });
});

describe("a body that asks for rows", () => {
  const login = `test_body_${process.pid}`;
  const querying = async (query: string, name = "shop") =>
    await requests.ask({ tool: "kernel-query", input: { database: name, query } }, never);

  beforeAll(async () => {
    const admin = database.openAdmin();
    await admin
      .unsafe(`create role ${login} login password 'pw'; create table public.shop (item text);
        insert into public.shop values ('tea'); grant select on public.shop to ${login}`)
      .simple();
    await admin.end();
    const url = new URL(database.adminUrl);
    url.username = login;
    url.password = "pw";
    const databases = { shop: url.href, own: database.runtimeUrl };
    writeFileSync(queryFile, JSON.stringify(databases), { mode: 0o600 });
  });

  afterAll(async () => {
    const admin = database.openAdmin();
    await admin.unsafe(`drop owned by ${login}; drop role ${login}`).simple();
    await admin.end();
  });

  it("gets those of a database that an operator named, and the query is on record", async () => {
    expect(await querying("select item from shop")).toEqual({
      outcome: "completed",
      output: { columns: ["item"], rows: [["tea"]], isWhole: true },
    });
    const events = await database.db.select().from(actionAuditLog);
    expect(JSON.stringify(events)).toContain("select item from shop");
  });

  it.each([
    ["writes", "shop", "delete from shop", "syntax"],
    ["goes to a database that nobody named", "toString", "select 1", "expected a database"],
    ["goes to another one", "other", "select 1", "does not name it"],
    ["takes Jarvis's own login", "own", "select 1", "may do more than read"],
  ])("gets none where it %s, and no password", async (_what, name, query, why) => {
    const answer = await querying(query, name);
    expect(answer).toMatchObject({ reason: expect.stringContaining(why) as string });
    expect(JSON.stringify(answer)).not.toContain(new URL(database.runtimeUrl).password);
  });

  it("gets none while Jarvis only observes", async () => {
    await safety.setMode("observe", { reason: "test", actor: "test" });
    expect(await querying("select item from shop")).toMatchObject({ outcome: "refused" });
    await safety.setMode("execute", { reason: "test", actor: "test" });
  });

  it("gets none where the file cannot be read, which quotes nothing of it", async () => {
    writeFileSync(queryFile, '{"shop": "postgresql://me:canary-pw@ host"}');
    const answer = await querying("select 1");
    expect(answer).toMatchObject({ outcome: "unavailable" });
    expect(JSON.stringify(answer)).not.toContain("canary");
  });
});

describe("a body that asks for files to be proposed", () => {
  const proposing = async (input: object) =>
    await requests.ask({ tool: "kernel-propose", input: { title: "A change", ...input } }, never);

  it("has them proposed as a patch, under its name", async () => {
    const files = [{ path: "src/new.js", content: "export {};\n" }];
    expect(await proposing({ files, only: "new" })).toEqual({
      outcome: "completed",
      output: "a-run",
    });
    expect(submitted).toMatchObject([{ title: "A change", actor: "body", actorSource: "agent" }]);
    expect(submitted[0]?.patch).toContain("+export {};");
  });

  it("may name a file that need not be there", async () => {
    const files = [
      { path: "src/add.js", content: null },
      { path: "src/none.js", content: null, ifThere: true },
    ];
    expect(await proposing({ files, only: "there" })).toMatchObject({ outcome: "completed" });
    expect(submitted.pop()?.patch).toContain("deleted file");
  });

  it.each([
    ["a new file that is there", [{ path: "src/add.js", content: "x" }], "new"],
    ["another content for none", [{ path: "src/none.js", content: "x" }], "there"],
    ["a path outside", [{ path: "../x", content: "x" }], "new"],
    ["a hook", [{ path: ".git/hooks/x", content: "x" }], "new"],
    ["nothing", [], "new"],
    ["something else", [{ file: "x" }], "new"],
  ])("is refused %s", async (_what, files, only) => {
    expect(await proposing({ files, only })).toMatchObject({ outcome: "refused" });
    expect(submitted).toHaveLength(1);
  });
});
