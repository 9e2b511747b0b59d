import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approve, settle } from "../testing/approval.ts";
import { openRepository, type TestRepository } from "../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const MIGRATIONS = "packages/db/migrations";

let repository: TestRepository;
let world: TestWorld;

// Builds this repository and starts its database six times: minutes, so only with `pnpm sweep`.
describe.runIf(process.env["JARVIS_SWEEP"] === "1")("a migration of Jarvis's own database", () => {
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), "jarvis-own-"));
    execFileSync("git", ["clone", "-q", root, directory]);
    repository = openRepository(directory);
    world = await makeTestWorld(repository);
  }, 120_000);

  afterAll(async () => {
    await world.close();
    repository.remove();
    rmSync(repository.directory, { recursive: true, force: true });
  });

  it(
    "waits for a person where it raises the schema that a kernel has to know",
    { timeout: 600_000 },
    async () => {
      const path = "packages/db/src/kernel-schema.ts";
      const source = readFileSync(join(repository.directory, path), "utf8");
      const raised = source.replace(/(KERNEL_SCHEMA = )\d+/, "$199");
      const run = await proposed(
        "update public.schema_info set schema_version = 99, min_kernel_schema = 99;",
        { [path]: raised },
      );
      expect(run.result).toMatchObject({
        status: "parked",
        verificationFailedStage: "way-back",
        verificationFailureCategory: "migration-irreversible",
      });
      expect(run.result.blockReasons).toContain("migration-irreversible");
      expect(run.result.blockReasons).toContain("kernel-closure");
    },
  );

  it("passes where it expands", { timeout: 600_000 }, async () => {
    const run = await proposed("alter table public.agent_state add column note text;");
    expect(run.result.verificationDiagnostics).toContainEqual(
      expect.objectContaining({ name: "way-back", status: "passed" }),
    );
    expect(run.result).toMatchObject({ status: "promoted" });
  });
});

/** A migration of that statement, approved as what it is: code of the kernel. */
async function proposed(sql: string, more: Record<string, string> = {}) {
  const run = await world.propose(repository.patch({ ...migration(sql), ...more }));
  expect(run.result.blockReasons).toEqual(["kernel-closure"]);
  await approve(world, run.state.runId);
  return await settle(world, run.state.runId);
}

function migration(sql: string): Record<string, string> {
  const { directory } = repository;
  const journalPath = `${MIGRATIONS}/meta/_journal.json`;
  const journal = JSON.parse(readFileSync(join(directory, journalPath), "utf8")) as {
    entries: { idx: number; when: number; version: string }[];
  };
  const idx = readdirSync(join(directory, MIGRATIONS)).filter((name) =>
    name.endsWith(".sql"),
  ).length;
  const when = Math.max(...journal.entries.map((entry) => entry.when)) + 1;
  const tag = `${String(idx).padStart(4, "0")}_tried`;
  const entries = [...journal.entries, { idx, version: "7", when, tag, breakpoints: true }];
  return {
    [`${MIGRATIONS}/${tag}.sql`]: `${sql}\n`,
    [journalPath]: `${JSON.stringify({ ...journal, entries }, null, 2)}\n`,
  };
}
