import { cpSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { restoreBackup, selfExtensionEvents, writeBackup } from "@jarvis/db";
import { anEvent, createTestDatabase, tamper, type TestDatabase } from "@jarvis/db/testing";
import type { Forge } from "@jarvis/forge";
import { readGivenUp, readKeys, type StoredCheckpoint } from "@jarvis/ledger";
import { removeTree } from "@jarvis/sandbox/testing";
import {
  makeOctokit,
  pushCheckpoint,
  readPushed,
  type GitHubTarget,
} from "@jarvis/tools/self-extension";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepAndWatch, targetOf } from "../../testing/kept-ledger.ts";
import { plainProject, type TestRepository } from "../../testing/repository.ts";
import { at, startSeededForge } from "../../testing/seeded-forge.ts";
import type { LedgerKeeper } from "./ledger-keeper.ts";

/*
 * A ledger that was saved, went on, showed the host how far, and was lost. What was saved is restored
 * on machines that have its key, and know of its history nothing or what was known at the backup.
 */

const change = { actor: "anna", reason: "the disk died" };

let directory: string;
let repository: TestRepository;
let forge: Forge;
let lost: TestDatabase;
let backup: string;
const opened: { stop(): Promise<unknown> }[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-elsewhere-"));
  repository = plainProject();
  forge = await startSeededForge(directory, repository);
  lost = await createTestDatabase();
  const first = await keep(lost, "first");
  await write(lost, 5);
  await sealed(first, lost);
  cpSync(stateOf("first"), stateOf("as-saved"), { recursive: true });
  backup = join(directory, "backup.gz");
  await writeBackup(lost.sql, backup);
  await write(lost, 10);
  await pushCheckpoint(targetOf(forge), await sealed(first, lost), []);
  await first.stop();
});

afterAll(async () => {
  await Promise.all(opened.map(async (each) => await each.stop().catch(() => undefined)));
  await forge.close();
  repository.remove();
  removeTree(directory);
});

describe("a ledger restored where it was never seen", () => {
  let database: TestDatabase;
  let keeper: LedgerKeeper;
  let isAway = true;

  beforeAll(async () => {
    database = await restored();
    mkdirSync(join(stateOf("elsewhere"), "ledger"), { recursive: true, mode: 0o700 });
    cpSync(join(stateOf("first"), "ledger/key.pem"), join(stateOf("elsewhere"), "ledger/key.pem"));
    // Somebody who may write to the base says that there is a great deal more.
    await commitTrailer(`900000000 ${Buffer.alloc(32, 7).toString("base64")} ${await origin()}`);
    keeper = await keep(database, "elsewhere", () => isAway);
  });

  it("is not sealed on while the host, which may have seen more, does not answer", async () => {
    await write(database, 30);
    expect(await keeper.verify("asked")).toMatchObject({ ok: true, unsealed: 30 });
    expect(keeper.problem()).toMatchObject({ reason: "ledger-unsealed" });
    expect(keeper.problem()?.detail).toContain("has not seen the ledger before");
    const row = { ledger: "self_extension_events", id: 6 } as const;
    await expect(keeper.cover(row, 300)).rejects.toMatchObject({ code: "not-sealed" });
    expect(await sizeOf(database)).toBe(6);
  });

  it("is not sealed on where it ends before what the host has seen, until somebody accepts that", async () => {
    isAway = false;
    const report = await keeper.verify("asked");
    expect(report.divergences[0]).toMatchObject({ attack: "ledger-truncated" });
    expect(keeper.problem()).toMatchObject({ reason: "ledger-behind" });
    await expect(keeper.cover({ ledger: "self_extension_events", id: 6 }, 300)).rejects.toThrow(
      "ends before",
    );
    expect(await keeper.acceptRestore(change)).toMatchObject({ from: 6, to: 900_000_000 });
    expect(keeper.problem()).toBeNull();
    await keeper.cover({ ledger: "self_extension_events", id: 35 });
    expect(await keeper.verify("asked")).toMatchObject({ ok: true });
  });

  it("is pushed again at once, on top of the checkpoint that was given up", async () => {
    await write(database, 1);
    const newest = await sealed(keeper, database);
    const saved = { size: 6, note: await noteOf(database, 6) };
    expect((await readPushed(targetOf(forge)))?.anchor.size).toBe(16);
    expect(await pushCheckpoint(targetOf(forge), saved, [])).toMatchObject({ pushed: false });
    const isGivenUp = await readGivenUp({ ...database, stateDirectory: stateOf("elsewhere") });
    for (const checkpoint of [saved, newest]) {
      const there = { pushed: true, anchor: { size: checkpoint.size } };
      expect(await pushCheckpoint(targetOf(forge), checkpoint, [], isGivenUp)).toMatchObject(there);
    }
  });

  it("is held to everything that was seen since, whatever sizes were given up", async () => {
    const admin = database.openAdmin();
    await tamper(
      admin,
      ["self_extension_events", "ledger_checkpoints", "ledger_leaves", "ledger_records"],
      `delete from ledger_checkpoints where size > 6; delete from ledger_leaves where leaf_index >= 6`,
    );
    await admin.end();
    const report = await keeper.verify("asked");
    expect(report.divergences.map(({ attack }) => attack)).toContain("ledger-truncated");
    expect(report.divergences.map(({ detail }) => detail).join()).not.toContain("900000000");
  });
});

describe("a ledger restored with what was seen of it at the backup", () => {
  it("that went on while the host was away, and so apart from its history, is accepted too", async () => {
    const database = await restored();
    let isAway = true;
    const keeper = await keep(database, "as-saved", () => isAway);
    await write(database, 60);
    await sealed(keeper, database);
    expect(keeper.problem()).toBeNull();
    isAway = false;
    const report = await keeper.verify("asked");
    expect(report.divergences.map(({ attack }) => attack)).toContain("history-forked");
    expect(keeper.problem()).toMatchObject({ reason: "ledger-mismatch" });
    expect(await keeper.acceptRestore(change)).toMatchObject({
      from: expect.any(Number),
      to: 900_000_000,
    });
    expect(await keeper.verify("asked")).toMatchObject({
      ok: true,
      remarks: [{ code: "history-abandoned" }],
    });
    // Who may write to the base must not keep what happens from being sealed.
    const lie = `800000000 ${Buffer.alloc(32, 7).toString("base64")} ${await origin()}`;
    await commitTrailer(lie);
    await keeper.verify("asked");
    expect(keeper.problem()).toMatchObject({ reason: "ledger-behind" });
    await write(database, 1);
    await sealed(keeper, database);
    // What is not whole in itself is no restore.
    const admin = database.openAdmin();
    await tamper(
      admin,
      ["self_extension_events"],
      "update self_extension_events set stage = 'forged' where id = 2",
    );
    await admin.end();
    await keeper.verify("asked");
    expect(await keeper.acceptRestore(change)).toBeNull();
    expect(keeper.problem()?.reason).toBe("ledger-mismatch");
  });
});

function stateOf(name: string): string {
  return join(directory, name);
}

async function restored(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  opened.push({ stop: async () => await database.close() });
  await restoreBackup(database.migratorUrl, backup, "a test restores");
  return database;
}

async function keep(
  database: TestDatabase,
  name: string,
  isAway: () => boolean = () => false,
): Promise<LedgerKeeper> {
  // A port that nobody listens at is how a host that is away looks.
  const github = (): GitHubTarget =>
    isAway() ? targetOf(forge, "http://127.0.0.1:1") : targetOf(forge);
  const keeper = await keepAndWatch(database, stateOf(name), github);
  opened.unshift(keeper);
  return keeper;
}

async function write({ db }: TestDatabase, count: number): Promise<void> {
  await db.insert(selfExtensionEvents).values(Array.from({ length: count }, () => anEvent()));
}

/** The newest checkpoint, once it is over every event. */
async function sealed(keeper: LedgerKeeper, database: TestDatabase): Promise<StoredCheckpoint> {
  const [newest] = await database.sql<{ id: number }[]>`
    select max(id)::int as id from self_extension_events`;
  return await keeper.cover({ ledger: "self_extension_events", id: newest?.id ?? 0 });
}

async function sizeOf({ sql }: TestDatabase): Promise<number> {
  const [row] = await sql<{ size: number }[]>`
    select max(size)::int as size from ledger_checkpoints`;
  return row?.size ?? 0;
}

async function noteOf({ sql }: TestDatabase, size: number): Promise<string> {
  const [row] = await sql<{ note: string }[]>`
    select note from ledger_checkpoints where size = ${size}`;
  return row?.note ?? "";
}

async function origin(): Promise<string> {
  return (await readKeys(lost.db))[0]?.verifier.name ?? "";
}

/** As an account that may write to the base, which Jarvis is not told of. */
async function commitTrailer(anchor: string): Promise<void> {
  const octokit = makeOctokit({ apiUrl: forge.apiUrl, token: forge.operatorToken, remote: false });
  const { data: base } = await octokit.rest.git.getRef({ ...at, ref: "heads/main" });
  const { data: parent } = await octokit.rest.git.getCommit({ ...at, commit_sha: base.object.sha });
  const { data: commit } = await octokit.rest.git.createCommit({
    ...at,
    message: `A large ledger\n\nJarvis-Ledger-Checkpoint: ${anchor}\n`,
    tree: parent.tree.sha,
    parents: [base.object.sha],
  });
  for (const context of ["jarvis/sandbox", "jarvis/promotion"]) {
    const status = { sha: commit.sha, context, state: "success" } as const;
    await octokit.rest.repos.createCommitStatus({ ...at, ...status });
  }
  await octokit.rest.git.updateRef({ ...at, ref: "heads/main", sha: commit.sha });
}
