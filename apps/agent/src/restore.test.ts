import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promotionIntents, restoreBackup, writeBackup } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { readTreeHead } from "@jarvis/ledger";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startFailoverWorld, type FailoverWorld } from "./testing/failover-world.ts";
import { until } from "./testing/kernel-program.ts";
import { goodPatch, plainProject, type TestRepository } from "./testing/repository.ts";

/** The status that a pause takes back, so that a head cannot land any more. */
const FENCE = /\/statuses\//;
const LANDING = /\/git\/refs\/heads(\/|%2F)main$/;

let repository: TestRepository;
let world: FailoverWorld;
let restored: TestDatabase;

beforeAll(async () => {
  repository = plainProject();
  world = await startFailoverWorld(repository);
  restored = await createTestDatabase();
});

afterAll(async () => {
  await world.close();
  await restored.close();
  repository.remove();
});

it("goes on from a backup only when what may have landed since was read back from the host", async () => {
  const { first, second, database } = world;
  await first.start();
  await first.program.post("/api/mode", { mode: "execute", reason: "test" });
  // It is on its way to the host, and stays there for now.
  const base = await world.baseSha();
  const reached = first.forge.holdAt(LANDING, "before");
  const runId = await first.program.propose(goodPatch(repository, "landed"));
  await reached;
  const file = join(first.stateDir, "backup.gz");
  const { checkpoint } = await writeBackup(database.sql, file);
  const saved = readTreeHead(checkpoint ?? "").size;
  // Something that the backup does not know, whatever it has sealed already.
  await first.program.propose(goodPatch(repository, "later"));
  const seen = await until(() => {
    const { size } = readTreeHead(readFileSync(join(first.stateDir, "ledger/checkpoint"), "utf8"));
    return size > saved ? size : null;
  });
  first.signal("SIGSTOP");

  // Another machine, with the key and what was last seen. It cannot find out yet what became of it.
  mkdirSync(second.stateDir, { mode: 0o700 });
  cpSync(join(first.stateDir, "ledger"), join(second.stateDir, "ledger"), { recursive: true });
  await restoreBackup(restored.migratorUrl, file, "a test restores");
  const asked = second.forge.holdAt(FENCE, "before");
  await second.start(restored.adminUrl);
  await second.leads();
  await asked;
  const { program } = second;
  expect(await program.get("/api/status")).toMatchObject({
    promotion: { paused: true },
    safety: { mode: "observe" },
    ledger: { problem: { reason: "ledger-behind" } },
  });
  const recovering = program.post("/api/recover", { reason: "the disk died" });
  expect(await Promise.race([recovering, sleep(500, "waits")])).toBe("waits");
  expect(await openIntents()).toBe(1);

  // The old machine's request arrives after all, and then the host answers the new one.
  first.forge.forward();
  await until(async () => ((await world.baseSha()) === base ? null : true));
  second.forge.forward();
  expect(await recovering).toMatchObject({ from: expect.any(Number), to: seen });
  expect(await openIntents()).toBe(0);
  const [intent] = await restored.db.select().from(promotionIntents);
  expect(intent).toMatchObject({ runId, outcome: "landed" });
  const landed = await until(async () => {
    const { run } = await program.get<{ run: { mergeSha: string | null } }>(`/api/runs/${runId}`);
    return run.mergeSha;
  });
  expect(landed).toBe(await world.baseSha());
  expect(await program.post("/api/ledger/verify", {})).toMatchObject({
    ok: true,
    remarks: expect.arrayContaining([expect.objectContaining({ code: "history-abandoned" })]),
  });
  // A person opens it again.
  expect(await program.get("/api/status")).toMatchObject({
    promotion: { paused: true },
    ledger: { problem: null },
  });
});

async function openIntents(): Promise<number> {
  const intents = await restored.db.select().from(promotionIntents);
  return intents.filter(({ resolvedAt }) => resolvedAt === null).length;
}
