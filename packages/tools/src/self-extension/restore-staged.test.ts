import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";
import { hasCommit, openMirror } from "./git/mirror.ts";
import { restoreStaged } from "./restore-staged.ts";
import { readRun } from "./runs.ts";
import { readProposal } from "./staged-change.ts";

let world: TestWorld;
let repository: TestRepository;

beforeAll(async () => {
  repository = plainProject();
  world = await makeTestWorld(repository);
});

afterAll(async () => {
  await world.close();
  repository.remove();
});

describe("a run that another kernel staged", () => {
  it("goes on in a mirror that holds nothing of it: the commit is made again, byte for byte", async () => {
    const { runId, stagedSha } = await staged("src/again.js");
    await loseMirror();
    expect(await hasCommit(world.mirror, stagedSha)).toBe(false);
    expect(await world.steps.verify(runId, stagedSha)).toEqual({ passed: true });
    await loseMirror();
    expect(await world.steps.promote(runId, stagedSha, 1)).toEqual({ promoted: true, reasons: [] });
    expect((await readRun(world.db, runId))?.result).toMatchObject({ success: true });
  });

  it("does not where something else comes out than the ledger names", async () => {
    const { runId, stagedSha, baseSha } = await staged("src/other.js");
    const run = await readProposal(world, runId);
    const patch = Buffer.from(repository.patch({ "src/other.js": "export const other = 2;\n" }));
    await loseMirror();
    const facts = { attempt: 1, stagedSha, baseSha };
    await expect(restoreStaged(world, runId, { ...run, patch }, facts)).rejects.toMatchObject({
      code: "evidence-mismatch",
    });
    await expect(
      restoreStaged(world, runId, run, { ...facts, baseSha: "f".repeat(40) }),
    ).rejects.toMatchObject({ code: "evidence-mismatch" });
    await restoreStaged(world, runId, run, facts);
    expect(await hasCommit(world.mirror, stagedSha)).toBe(true);
  });
});

async function staged(path: string) {
  const runId = await world.submit(repository.patch({ [path]: "export const one = 1;\n" }));
  const { stagedSha } = await world.steps.stage(runId, 1);
  const run = await readRun(world.db, runId);
  return { runId, stagedSha: stagedSha ?? "", baseSha: run?.state.baseSha ?? "" };
}

async function loseMirror(): Promise<void> {
  rmSync(world.mirror.gitDir, { recursive: true });
  await openMirror(world.mirror.gitDir);
}
