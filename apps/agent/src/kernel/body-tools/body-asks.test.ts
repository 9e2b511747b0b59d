import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

const directory = mkdtempSync(join(tmpdir(), "jarvis-asks-"));
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
