import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { removeTree } from "@jarvis/sandbox/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { discardState, startKernelProgram, type KernelProgram } from "./testing/kernel-program.ts";
import { goodPatch, plainProject, type TestRepository } from "./testing/repository.ts";

const PROGRAM = fileURLToPath(new URL("../../../packages/forge/dist/main.js", import.meta.url));

// A forge of nobody's but this test's stands for GitHub: the kernel knows it by address and token file.
let root: string;
let repository: TestRepository;
let stateDir: string;
let forge: StandIn;
let kernel: KernelProgram;

/** As a program, so that it can be killed. It finds its port again. */
async function startForge(): Promise<StandIn> {
  const seed = {
    "--seed-git-dir": join(repository.directory, ".git"),
    "--seed-commit": repository.git("rev-parse", "HEAD").trim(),
  };
  const place = { "--directory": join(root, "github"), "--owner": "local" };
  const flags = Object.entries({ ...place, "--repository": "project", ...seed }).flat();
  const child = spawn(process.execPath, [PROGRAM, ...flags], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const line = await new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).once("line", resolve),
  );
  const { apiUrl, tokenFile } = JSON.parse(line) as { apiUrl: string; tokenFile: string };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { apiUrl, tokenFile, end };
}

interface StandIn {
  readonly apiUrl: string;
  readonly tokenFile: string;
  end(signal: NodeJS.Signals): Promise<void>;
}

const startKernel = async (): Promise<KernelProgram> =>
  await startKernelProgram({
    repo: repository.directory,
    stateDir,
    env: {
      GITHUB_TOKEN_FILE: forge.tokenFile,
      JARVIS_GITHUB_REPOSITORY: "local/project",
      JARVIS_GITHUB_API_URL: forge.apiUrl,
    },
  });

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "jarvis-github-away-"));
  repository = plainProject();
  stateDir = join(repository.directory, ".jarvis");
  forge = await startForge();
  kernel = await startKernel();
  await kernel.post("/api/mode", { mode: "execute", reason: "test" });
});

afterAll(async () => {
  await kernel.stop();
  await forge.end("SIGTERM");
  await discardState(stateDir);
  repository.remove();
  removeTree(root);
});

it("tells what the credential may do, before anything was promoted", async () => {
  expect(await kernel.get("/api/host")).toMatchObject({
    repository: "local/project",
    account: "jarvis[bot]",
    protection: { standing: "enforced" },
    workflows: [],
    ownership: "nobody",
    identityProblem: null,
  });
});

it("verifies on and starts again without GitHub, and promotes in the order of readiness after it", async () => {
  await forge.end("SIGKILL");
  const waiting = [];
  for (const name of ["first", "second"]) {
    const runId = await kernel.propose(goodPatch(repository, name));
    expect(await kernel.outcome(runId)).toMatchObject({
      status: "parked",
      blockReasons: ["github-not-connected"],
      verificationOverallStatus: "passed",
    });
    waiting.push(runId);
  }
  await kernel.stop();
  kernel = await startKernel();
  // Whoever was proposed last and is ready last does not go first because it looks first.
  forge = await startForge();
  const landed: { mergeSha: string | null; baseSha: string | null }[] = [];
  for (const runId of waiting) {
    const result = await promoted(runId);
    landed.push(result);
    const { events } = await kernel.get<{ events: { type: string }[] }>(`/api/events?run=${runId}`);
    expect(events.filter(({ type }) => type === "promoted")).toHaveLength(1);
  }
  expect(landed[1]?.baseSha).toBe(landed[0]?.mergeSha);
});

it("is taken over on record, which changes nothing where it is its own already", async () => {
  const reason = "to see that it is on record";
  const answer = await kernel.post("/api/takeover", { reason });
  expect(answer).toMatchObject({ baseBranch: "main", before: null, restartNeeded: false });
  const { actions } = await kernel.get<{ actions: Record<string, unknown>[] }>("/api/actions");
  expect(actions).toContainEqual(
    expect.objectContaining({ actionName: "take_over", reason, state: "completed" }),
  );
  expect(await kernel.get("/api/host")).toMatchObject({ ownership: "ours" });
});

/** Parked on the way is no end here: the host has just come back. */
async function promoted(
  runId: string,
): Promise<{ mergeSha: string | null; baseSha: string | null }> {
  for (;;) {
    const result = await kernel.outcome(runId);
    if (result.status === "promoted") return result;
    expect(result).toMatchObject({ status: "parked", blockReasons: ["github-not-connected"] });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
