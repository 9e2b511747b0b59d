import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openDatabase, restoreDatabase, stopEmbedded, writeBackup } from "@jarvis/db";
import { afterAll, beforeAll, expect, it } from "vitest";
import { discardState, spawnKernel, startKernelProgram } from "./testing/kernel-program.ts";
import { goodPatch, plainProject, type TestRepository } from "./testing/repository.ts";

let repository: TestRepository;
let first: string;
let second: string;

beforeAll(() => {
  repository = plainProject();
  first = join(repository.directory, ".jarvis");
  second = join(repository.directory, ".jarvis-restored");
});

afterAll(async () => {
  await discardState(first);
  await discardState(second);
  repository.remove();
});

it("a backup is taken in with the local forge that it speaks of, and without it the kernel says what is missing", async () => {
  const kernel = await startKernelProgram({ repo: repository.directory, stateDir: first });
  await kernel.post("/api/mode", { mode: "execute", reason: "test" });
  const runId = await kernel.propose(goodPatch(repository, "landed"));
  const { mergeSha } = await kernel.outcome(runId);
  await kernel.stop();
  const file = join(repository.directory, "backup.gz");
  const database = await openDatabase({ stateDirectory: first });
  await writeBackup(database.sql, file);
  await database.close({ stopServer: true });

  mkdirSync(second, { mode: 0o700 });
  await restoreDatabase({ stateDirectory: second }, file, "a test restores");
  await stopEmbedded(second);
  cpSync(join(first, "ledger"), join(second, "ledger"), { recursive: true });
  const alone = await spawnKernel({ repo: repository.directory, stateDir: second }).ended;
  expect(alone.code).toBe(3);
  expect(JSON.parse(alone.stdout)).toMatchObject({
    error: {
      code: "forge-missing",
      message: expect.stringMatching(
        new RegExp(`${mergeSha}.*copy the directory \`forge\` of the old state to ${second}/forge`),
      ) as unknown,
    },
  });

  cpSync(join(first, "forge"), join(second, "forge"), { recursive: true });
  const whole = await startKernelProgram({ repo: repository.directory, stateDir: second });
  expect(await whole.get("/api/status")).toMatchObject({ base: { lastSeen: mergeSha } });
  await whole.stop();
});
