import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { processesWith } from "@jarvis/sandbox/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  discardState,
  sandboxesUnder,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { goodPatch, plainProject, slowPatch, type TestRepository } from "./testing/repository.ts";

interface Status {
  readonly safety: { mode: string; reason: string; killSwitch: boolean };
  readonly wayOut: { state: string; command: string | null };
  readonly promotion: { paused: boolean };
}

describe("the switches, on one installation", () => {
  let repository: TestRepository;
  let kernel: KernelProgram;
  let stateDir: string;

  const start = async (): Promise<KernelProgram> =>
    await startKernelProgram({ repo: repository.directory, stateDir });
  const status = async (): Promise<Status> => await kernel.get<Status>("/api/status");
  const progressOf = async (runId: string): Promise<string> =>
    (await kernel.get<{ run: { progress: { what: string } | null } }>(`/api/runs/${runId}`)).run
      .progress?.what ?? "";

  beforeAll(async () => {
    repository = plainProject();
    stateDir = join(repository.directory, ".jarvis");
    kernel = await start();
  });

  afterAll(async () => {
    await kernel.stop();
    await discardState(stateDir);
    repository.remove();
  });

  it("begin with observe: a good change is tested and parked, and promoted by itself once execute is set", async () => {
    expect((await status()).safety.mode).toBe("observe");
    const runId = await kernel.propose(goodPatch(repository, "observed"));
    const parked = await kernel.outcome(runId);
    expect(parked).toMatchObject({
      status: "parked",
      blockReasons: ["observe-only"],
      verificationOverallStatus: "passed",
      pullRequestNumber: null,
      headSha: null,
    });
    await kernel.post("/api/mode", { mode: "execute", reason: "test" });
    await until(async () => ((await kernel.outcome(runId)).status === "promoted" ? true : null));
    const { events } = await kernel.get<{ events: { type: string }[] }>(`/api/runs/${runId}`);
    // Its evidence still counts: it was not verified a second time.
    expect(events.map(({ type }) => type)).toEqual([
      "proposed",
      "proposed",
      "tested",
      "promotion_blocked",
      "promoted",
    ]);
  });

  it("pause before the first mutation, and resume by themselves", async () => {
    const paused = await kernel.post("/api/self-extension/promotion", {
      paused: true,
      reason: "t",
    });
    expect(paused).toEqual({
      paused: true,
      acknowledged: true,
      drained: [],
      unresolved: [],
      reverts: [],
      fence: "enforced",
      inFlight: [],
    });
    const runId = await kernel.propose(goodPatch(repository, "paused"));
    expect(await kernel.outcome(runId)).toMatchObject({
      status: "parked",
      blockReasons: ["promotion-paused"],
      pullRequestNumber: null,
    });
    await kernel.post("/api/self-extension/promotion", { paused: false, reason: "t" });
    await until(async () => ((await kernel.outcome(runId)).status === "promoted" ? true : null));
  });

  it("acknowledge a pause only when nothing can land any more", async () => {
    const runId = await kernel.propose(goodPatch(repository, "landing"));
    // Asked again and again while the run goes through every stage: true is a promise each time.
    for (let round = 1; round <= 4; round += 1) {
      const { acknowledged } = await kernel.post<{ acknowledged: boolean }>(
        "/api/self-extension/promotion",
        { paused: true, reason: "t" },
      );
      const base = baseNow();
      expect(acknowledged).toBe(true);
      const { status: ended, mergeSha } = await kernel.outcome(runId);
      expect(baseNow()).toBe(base);
      expect(ended).toBe(mergeSha === base ? "promoted" : "parked");
      await kernel.post("/api/self-extension/promotion", { paused: false, reason: "t" });
      if (ended === "promoted") break;
      await until(async () => {
        const isPromoting = (await progressOf(runId)).startsWith("promote:");
        return isPromoting || (await landed(runId)) || null;
      });
    }
    await until(async () => ((await kernel.outcome(runId)).status === "promoted" ? true : null));
  });

  const baseNow = (): string =>
    execFileSync("git", ["rev-parse", "refs/heads/main"], {
      cwd: join(stateDir, "forge/repository.git"),
      encoding: "utf8",
    }).trim();

  const landed = async (runId: string): Promise<boolean> =>
    (await kernel.get<{ result: { mergeSha: string | null } }>(`/api/runs/${runId}`)).result
      .mergeSha !== null;

  it("end a running verification with the kill switch, say how many, and survive a restart", async () => {
    const marker = "killswitchvictim";
    const runId = await kernel.propose(slowPatch(repository, marker, 30_000));
    const victims = await until(() => {
      const found = processesWith(`test/${marker}.test.js`);
      return found.length > 0 ? found : null;
    });
    // The other runs of the stage begin beside this one and end soon; this one waits for the kill.
    let alone = 0;
    await until(() =>
      (alone = sandboxesUnder(kernel.pid) === 1 ? alone + 1 : 0) > 40 ? true : null,
    );
    const killed = await kernel.post("/api/kill-switch", { reason: "stop it" });
    expect(killed).toEqual({
      cancelledCount: 1,
      stopped: [{ kind: "sandbox", name: "tests", id: null, runId, was: "running" }],
    });
    expect(sandboxesUnder(kernel.pid)).toBe(0);
    for (const pid of victims) expect(processesWith(`test/${marker}.test.js`)).not.toContain(pid);
    expect(await kernel.outcome(runId)).toMatchObject({
      status: "blocked",
      blockReasons: ["kill-switch-active"],
    });
    const { safety, wayOut } = await status();
    expect(safety).toMatchObject({ mode: "observe", reason: "stop it", killSwitch: true });
    expect(wayOut).toMatchObject({
      state: "killed",
      command: "jarvis mode observe --reason TEXT",
    });
    await kernel.kill();
    kernel = await start();
    expect((await status()).safety).toMatchObject({ mode: "observe", reason: "stop it" });
  });

  it("count nothing where nothing runs", async () => {
    expect(await kernel.post("/api/kill-switch", { reason: "again" })).toEqual({
      cancelledCount: 0,
      stopped: [],
    });
  });

  it("and what is named as the way out of a kill leads out of it", async () => {
    expect((await status()).wayOut.state).toBe("killed");
    await kernel.post("/api/mode", { mode: "observe", reason: "looked" });
    const { safety, wayOut } = await status();
    expect({ safety, wayOut }).toMatchObject({
      safety: { killSwitch: false },
      wayOut: { state: "observing" },
    });
  });
});
