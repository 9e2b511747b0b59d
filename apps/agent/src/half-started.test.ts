import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import type { Forge } from "@jarvis/forge";
import { removeTree } from "@jarvis/sandbox/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readConfig } from "./config.ts";
import { startKernel } from "./kernel/kernel.ts";
import { at, startSeededForge } from "./testing/seeded-forge.ts";
import { plainProject, type TestRepository } from "./testing/repository.ts";

let database: TestDatabase;
let repository: TestRepository;
let directory: string;
let forge: Forge;

beforeEach(async () => {
  database = await createTestDatabase();
  repository = plainProject();
  directory = mkdtempSync(join(tmpdir(), "jarvis-half-"));
  forge = await startSeededForge(directory, repository);
});

afterEach(async () => {
  await forge.close();
  await database.close();
  repository.remove();
  removeTree(directory);
});

it("leaves nothing running where a start fails after the workflow engine was launched", async () => {
  await asSuperuser("alter table goal_attempts rename to goal_attempts_away");
  await expect(start()).rejects.toThrow("goal_attempts");
  expect(DBOS.isInitialized()).toBe(false);
  expect(await sessionsLeft()).toEqual([]);
});

async function start(): Promise<unknown> {
  const stateDir = join(directory, "state");
  const config = readConfig(["--repo", repository.directory, "--state-dir", stateDir]);
  const { apiUrl, token } = forge;
  const github = { ...config.github, apiUrl, token, repository: `${at.owner}/${at.repo}` };
  const nobody = (): void => undefined;
  return await startKernel(
    { ...config, databaseUrl: database.adminUrl, github },
    { onLost: nobody, onMove: nobody },
    { onStandby: async () => await Promise.resolve(), signal: new AbortController().signal },
  );
}

async function asSuperuser(statement: string): Promise<readonly unknown[]> {
  const admin = database.openAdmin();
  try {
    return await admin.unsafe(statement);
  } finally {
    await admin.end();
  }
}

/** Who else is at the database than this test. */
async function sessionsLeft(): Promise<readonly unknown[]> {
  await database.sql.end();
  return await asSuperuser(
    "select application_name, query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
}
