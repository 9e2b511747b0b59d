import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectForLease } from "@jarvis/db";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { drizzle } from "drizzle-orm/postgres-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { recordProposal } from "./record-proposal.ts";
import type { PipelineWorld } from "./pipeline-world.ts";
import { parseProposal } from "./proposal.ts";
import { recordFailure } from "./record-outcome.ts";
import { readRun } from "./runs.ts";

const SOCKET = ".s.PGSQL.5432";

let database: TestDatabase;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = mkdtempSync(join(tmpdir(), "jarvis-away-"));
});

afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

it("waits with what broke a run until the database is there to take it", async () => {
  const runId = await proposed();
  const url = new URL(database.adminUrl);
  const socket = join(url.searchParams.get("host") ?? "", SOCKET);
  url.searchParams.set("host", directory);
  const client = connectForLease(url.toString());
  const db = drizzle({ client }) as unknown as PipelineWorld["db"];
  const recorded = recordFailure({ db }, runId, 1, new Error("a bug"));
  recorded.catch(() => undefined);
  await sleep(1000);
  symlinkSync(socket, join(directory, SOCKET));
  await recorded;
  await client.end();
  expect((await readRun(database.db, runId))?.result).toMatchObject({
    status: "failed",
    error: "a bug",
  });
});

it("says so where the failure cannot be recorded for any other reason", async () => {
  const runId = await proposed();
  const broken = recordFailure({ db: {} as PipelineWorld["db"] }, runId, 1, new Error("a bug"));
  await expect(broken).rejects.toThrow(TypeError);
});

async function proposed(): Promise<string> {
  const patch =
    "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+x\n";
  const world = { db: database.db } as PipelineWorld;
  return await recordProposal(world, parseProposal({ patch }));
}
