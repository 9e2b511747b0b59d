import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { asc, eq } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connect, withDatabase } from "../connection.ts";
import { openDatabase } from "../open-database.ts";
import type { DatabaseHandle } from "../open-database.ts";
import { selfExtensionEvents } from "../schema/index.ts";
import { openStateDirectory } from "../state-directory.ts";
import { buildPackage } from "../testing/built-agent.ts";
import type { BuiltPackage } from "../testing/built-agent.ts";
import { anEvent, prepareTestState } from "../testing/index.ts";
import { choosePlace } from "./cluster-directory.ts";
import { runningPostmaster } from "./processes.ts";
import { readClusterRecord } from "./records.ts";
import { destroyEmbedded, startEmbedded, stopEmbedded } from "./supervisor.ts";

// What is about making a cluster begins with nothing; everything else with the copy of one.
const isRoot = process.getuid?.() === 0;
let built: BuiltPackage;
let parent: string;
let stateDirectory: string;

beforeAll(() => {
  built = buildPackage();
});

afterAll(() => built.remove());

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "jarvis db "));
  stateDirectory = openStateDirectory(join(parent, ".jarvis"));
});

afterEach(async () => {
  await destroyEmbedded(stateDirectory);
  rmSync(parent, { recursive: true, force: true });
});

describe("a server that is made of nothing", () => {
  let made: string;
  let handles: [DatabaseHandle, DatabaseHandle, DatabaseHandle];

  beforeAll(async () => {
    made = openStateDirectory(join(mkdtempSync(join(tmpdir(), "jarvis db ")), ".jarvis"));
    const open = () => openDatabase({ stateDirectory: made });
    handles = await Promise.all([open(), open(), open()]);
  });

  afterAll(async () => {
    await closeAll(handles);
    await destroyEmbedded(made);
    rmSync(dirname(made), { recursive: true, force: true });
  });

  it("comes up once for three that open a fresh state at the same time", async () => {
    await Promise.all(
      handles.map((handle) =>
        handle.db.insert(selfExtensionEvents).values(anEvent({ runId: "shared" })),
      ),
    );
    expect(await seqs(handles[0])).toEqual([1, 2, 3]);
    expect(handles.map(({ ledgerGuard }) => ledgerGuard)).toEqual(Array(3).fill("enforced"));
  });

  it("is durable, unreachable from the network, and closed to other users", async () => {
    const [settings] = await handles[0].sql`select current_setting('fsync') as fsync,
      current_setting('listen_addresses') as listen, current_setting('server_version_num')::int / 10000 as major`;
    expect(settings).toEqual({ fsync: "on", listen: "", major: 18 });
    const record = readClusterRecord(join(made, "postgres"));
    expect(modeOf(record!.socketDirectory)).toBe(0o700);
    expect(modeOf(join(record!.root, "data"))).toBe(0o700);
    expect(modeOf(join(made, "postgres", "secrets.json"))).toBe(0o600);
    const pid = runningPostmaster(join(record!.root, "data"));
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    expect(status).not.toMatch(/^Uid:\t0\t/m);
  });
});

describe("the embedded server", () => {
  it("refuses a login without its password", async () => {
    await prepareTestState(stateDirectory);
    const handle = await openDatabase({ stateDirectory });
    const url = new URL(handle.runtimeUrl);
    url.password = "guess";
    const guess = connect(url.toString(), { max: 1, role: undefined, applicationName: "test" });
    await expect(guess`select 1`).rejects.toMatchObject({ code: "28P01" });
    await guess.end();
    await handle.close();
  });

  it("opens again in well under a second, and is reused while it runs", async () => {
    await prepareTestState(stateDirectory);
    await (await openDatabase({ stateDirectory })).close();
    const running = (await startEmbedded(stateDirectory)).pid;
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const from = performance.now();
      await (await openDatabase({ stateDirectory })).close();
      times.push(performance.now() - from);
    }
    expect(Math.min(...times)).toBeLessThan(300);
    expect((await startEmbedded(stateDirectory)).pid).toBe(running);
  });

  it("stops in order and leaves no process and no socket", async () => {
    await prepareTestState(stateDirectory);
    const handle = await openDatabase({ stateDirectory });
    const { root, socketDirectory } = readClusterRecord(join(stateDirectory, "postgres"))!;
    await handle.close({ stopServer: true });
    expect(runningPostmaster(join(root, "data"))).toBeNull();
    expect(existsSync(join(socketDirectory, ".s.PGSQL.5432"))).toBe(false);
    expect(readFileSync(join(root, "server.log"), "utf8")).toContain(
      "database system is shut down",
    );
    await stopEmbedded(stateDirectory);
  });
});

describe("after kill -9", () => {
  it("of the agent, the next one finds the server running and every acknowledged event", async () => {
    await prepareTestState(stateDirectory);
    const agent = startWriting();
    await agent.nextLine();
    const before = (await startEmbedded(stateDirectory)).pid;
    await readLines(agent, 20);
    agent.kill("SIGKILL");
    await once(agent, "exit");
    const handle = await openDatabase({ stateDirectory });
    expect((await startEmbedded(stateDirectory)).pid).toBe(before);
    expect((await seqs(handle)).length).toBeGreaterThanOrEqual(20);
    await handle.close();
  });

  it.each(["agent first", "server first"])(
    "of agent and server in mid-write (%s), no acknowledged event is missing",
    async (order) => {
      await prepareTestState(stateDirectory);
      const agent = startWriting();
      await agent.nextLine();
      const { pid } = await startEmbedded(stateDirectory);
      const acknowledged = await readLines(agent, 60);
      if (order === "agent first") agent.kill("SIGKILL");
      // The server was started by the agent: nobody of ours reaps it, and it may stay a zombie.
      process.kill(pid, "SIGKILL");
      agent.kill("SIGKILL");
      await once(agent, "exit");
      const handle = await openDatabase({ stateDirectory });
      const rows = await handle.db
        .select({ seq: selfExtensionEvents.seq, key: selfExtensionEvents.idempotencyKey })
        .from(selfExtensionEvents)
        .where(eq(selfExtensionEvents.runId, "shared"))
        .orderBy(asc(selfExtensionEvents.seq));
      const keys = new Set(rows.map((row) => row.key));
      expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
      expect(rows.map((row) => row.seq)).toEqual(rows.map((_, index) => index + 1));
      expect((await startEmbedded(stateDirectory)).pid).not.toBe(pid);
      await handle.close();
    },
  );

  it("is not fooled by a lock file that names a living process of somebody else", async () => {
    await prepareTestState(stateDirectory);
    await (await openDatabase({ stateDirectory })).close({ stopServer: true });
    const { root } = readClusterRecord(join(stateDirectory, "postgres"))!;
    writeFileSync(join(root, "data", "postmaster.pid"), `${process.pid}\n${join(root, "data")}\n`);
    const handle = await openDatabase({ stateDirectory });
    expect(await seqs(handle)).toEqual([]);
    await handle.close();
  });
});

describe("where the cluster lies", () => {
  it("begins again over a half-made cluster", async () => {
    const { root } = choosePlace(stateDirectory, undefined);
    mkdirSync(join(root, "data.new", "base"), { recursive: true });
    writeFileSync(join(root, "data.new", "PG_VERSION"), "18\n");
    if (isRoot) chmodSync(root, 0o711);
    await (await openDatabase({ stateDirectory })).close();
    expect(existsSync(join(root, "data.new"))).toBe(false);
  });

  it("never answers a lost cluster with an empty ledger", async () => {
    await prepareTestState(stateDirectory);
    await (await openDatabase({ stateDirectory })).close({ stopServer: true });
    const { root } = readClusterRecord(join(stateDirectory, "postgres"))!;
    rmSync(join(root, "data"), { recursive: true });
    await expect(openDatabase({ stateDirectory })).rejects.toMatchObject({
      code: "embedded-server-failed",
      message: expect.stringContaining("restore it from a backup"),
    });
  });

  it("sets a cluster aside whose state directory was made anew, and does not delete it", async () => {
    await prepareTestState(stateDirectory);
    await (await openDatabase({ stateDirectory })).close();
    const { root } = readClusterRecord(join(stateDirectory, "postgres"))!;
    rmSync(join(stateDirectory, "postgres", "cluster.json"));
    rmSync(join(stateDirectory, "postgres", "secrets.json"));
    const handle = await openDatabase({ stateDirectory });
    expect(await seqs(handle)).toEqual([]);
    await handle.close();
    const aside = isRoot ? root : join(root, "data");
    const orphans = readdirSync(dirname(aside)).filter((name) =>
      name.startsWith(`${basename(aside)}.orphan-`),
    );
    expect(orphans).toHaveLength(1);
    for (const name of orphans) rmSync(join(dirname(aside), name), { recursive: true });
  });

  it("follows its state directory when that is moved while the server runs", async () => {
    await prepareTestState(stateDirectory);
    const before = await openDatabase({ stateDirectory });
    await before.db.insert(selfExtensionEvents).values(anEvent({ runId: "shared" }));
    await before.close();
    const moved = join(parent, "moved");
    renameSync(stateDirectory, moved);
    const after = await openDatabase({ stateDirectory: moved });
    expect(await seqs(after)).toEqual([1]);
    await after.close();
    await destroyEmbedded(moved);
  });

  it("takes a path that is longer than a socket's name may be", async () => {
    const long = join(parent, "x".repeat(60), "y".repeat(60));
    mkdirSync(long, { recursive: true });
    // Root's base has to be entered by the database user.
    for (const path of isRoot ? [parent, join(long, ".."), long] : []) chmodSync(path, 0o755);
    const deep = openStateDirectory(join(long, "state"));
    const server = await startEmbedded(deep, isRoot ? { base: long } : {});
    expect(Buffer.byteLength(server.socketDirectory)).toBeLessThan(93);
    expect(modeOf(server.socketDirectory)).toBe(0o700);
    rmSync(server.socketDirectory, { recursive: true });
    const again = await startEmbedded(deep, isRoot ? { base: long } : {});
    expect(again.socketDirectory).not.toBe(server.socketDirectory);
    await destroyEmbedded(deep);
  });

  it.runIf(isRoot)("refuses a directory that somebody else made first", async () => {
    const base = join(parent, "base");
    mkdirSync(base);
    chownSync(base, 65_534, 65_534);
    await expect(startEmbedded(stateDirectory, { base })).rejects.toMatchObject({
      code: "cluster-directory-unsafe",
    });
    chownSync(base, 0, 0);
    chmodSync(base, 0o777);
    await expect(startEmbedded(stateDirectory, { base })).rejects.toThrow(/others cannot write/);
  });

  it("is gone with everything of it once destroyed", async () => {
    await prepareTestState(stateDirectory);
    await (await openDatabase({ stateDirectory })).close();
    const { root } = readClusterRecord(join(stateDirectory, "postgres"))!;
    await destroyEmbedded(stateDirectory);
    expect(existsSync(root)).toBe(false);
  });
});

describe("a fresh server of an operator", () => {
  it("gets roles, schema and engine from a login that may create roles and is no superuser", async () => {
    const server = await startEmbedded(stateDirectory);
    const superuser = connect(server.superuserUrl, {
      max: 1,
      role: undefined,
      applicationName: "test",
    });
    await superuser`create role op login createrole createdb password 'pw'`;
    await superuser`create database operated owner op`;
    await superuser.end();
    const url = new URL(withDatabase(server.superuserUrl, "operated"));
    url.username = "op";
    url.password = "pw";
    const options = { url: url.toString(), stateDirectory };
    const open = () => openDatabase(options);
    const handles = await Promise.all([open(), open(), open()]);
    expect(handles.map(({ ledgerGuard }) => ledgerGuard)).toEqual(
      Array(3).fill("owner-ddl-unguarded"),
    );
    await handles[0].db.insert(selfExtensionEvents).values(anEvent({ runId: "shared" }));
    expect(await seqs(handles[2])).toEqual([1]);
    const [owner] = await handles[0].sql`select pg_get_userbyid(relowner) as name,
      has_table_privilege('jarvis_runtime', 'dbos.workflow_status', 'INSERT') as engine
      from pg_class where relname = 'self_extension_events'`;
    expect(owner).toEqual({ name: "jarvis_owner", engine: true });
    await closeAll(handles);
  });
});

// Prints "ready", then the key of each event once its insert was acknowledged.
function startWriting() {
  return built.run(`
    const handle = await db.openDatabase({ stateDirectory: ${JSON.stringify(stateDirectory)} });
    console.log("ready");
    for (let count = 0; ; count += 1) {
      const idempotencyKey = "key-" + count;
      await handle.db.insert(db.selfExtensionEvents).values({
        runId: "shared", correlationId: "c", eventType: "tested", stage: "s", actorSource: "test",
        actor: "agent", idempotencyKey, payload: { filler: "x".repeat(500) },
      }).catch(() => process.exit(1)); // The test killed the server.
      console.log(idempotencyKey);
    }`);
}

async function readLines(agent: ReturnType<typeof startWriting>, count: number): Promise<string[]> {
  const lines: string[] = [];
  while (lines.length < count) lines.push(await agent.nextLine());
  return lines;
}

async function seqs(handle: DatabaseHandle): Promise<number[]> {
  const rows = await handle.db
    .select({ seq: selfExtensionEvents.seq })
    .from(selfExtensionEvents)
    .where(eq(selfExtensionEvents.runId, "shared"))
    .orderBy(asc(selfExtensionEvents.seq));
  return rows.map((row) => row.seq);
}

async function closeAll(handles: DatabaseHandle[]): Promise<void> {
  await Promise.all(handles.map((handle) => handle.close()));
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}
