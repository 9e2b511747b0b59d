import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  discardState,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { makeLiving } from "./testing/living-project.ts";
import { plainProject, type TestRepository } from "./testing/repository.ts";
import { canMount, smallDisk, type SmallDisk } from "./testing/small-disk.ts";

interface Status {
  readonly wayOut: { state: string; because: string; command: string | null };
  readonly room: { level: string; detail: string };
  readonly serving: string | null;
}

let disk: SmallDisk;
let repository: TestRepository;
let stateDir: string;
let kernel: KernelProgram;
let parked: string;

const status = async (): Promise<Status> => await kernel.get<Status>("/api/status");
const reserve = (): boolean => existsSync(join(stateDir, "reserved"));
const patch = (name: string): string =>
  repository.patch({ [`lib/${name}.js`]: `export const ${name} = 1;\n` });

async function reached(runId: string, ...wanted: string[]): Promise<{ blockReasons: string[] }> {
  return await until(async () => {
    const { result } = await kernel.get<{ result: { status: string; blockReasons: string[] } }>(
      `/api/runs/${runId}`,
    );
    return wanted.includes(result.status) ? result : null;
  });
}

async function level(wanted: string): Promise<Status> {
  return await until(async () => {
    const found = await status();
    return found.room.level === wanted ? found : null;
  });
}

describe.runIf(canMount)("a kernel whose disk fills", () => {
  beforeAll(async () => {
    disk = smallDisk(256);
    repository = plainProject();
    makeLiving(repository);
    stateDir = join(disk.directory, ".jarvis");
    kernel = await startKernelProgram({
      repo: repository.directory,
      stateDir,
      env: { JARVIS_FREE_SPACE_MIB: "64" },
    });
    await kernel.post("/api/mode", { mode: "execute", reason: "test" });
    await reached(await kernel.propose(patch("first")), "blessed");
  });

  afterAll(async () => {
    await kernel.stop();
    await discardState(stateDir);
    disk.remove();
    repository.remove();
  });

  it("begins nothing new, and says what to do", async () => {
    expect(reserve()).toBe(true);
    disk.fillTo(40);
    const { room, wayOut } = await level("low");
    expect(wayOut).toEqual({ state: "disk-low", because: room.detail, command: null });
    expect(room.detail).toContain("make room there");
    parked = await kernel.propose(patch("second"));
    expect(await reached(parked, "parked")).toMatchObject({ blockReasons: ["disk-low"] });
    expect(reserve()).toBe(true);
  });

  it("gives up what it kept back when it gets short, and takes nothing in", async () => {
    disk.fillTo(0);
    await level("short");
    expect(reserve()).toBe(false);
    await expect(kernel.propose(patch("third"))).rejects.toThrow(/507.*disk-low/);
  });

  it("still goes back, pauses and kills, and all of it is in the ledger", async () => {
    const before = (await status()).serving;
    const answer = await kernel.post<{ fromSha: string; toSha: string }>("/api/rollback", {
      reason: "test",
    });
    expect(answer.fromSha).toBe(before);
    expect((await status()).serving).toBe(answer.toSha);
    await kernel.post("/api/self-extension/promotion", { paused: true, reason: "test" });
    await kernel.post("/api/kill-switch", { reason: "test" });
    const { events } = await kernel.get<{ events: { type: string }[] }>("/api/events?limit=20");
    const types = events.map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining(["rollback_started", "rolled_back", "promotion_pause_changed"]),
    );
    const found = await status();
    // The first thing in the way comes first: then the switches.
    expect(found.wayOut.state).toBe("disk-low");
  });

  it("goes on by itself when there is room again", async () => {
    disk.empty();
    expect((await level("enough")).wayOut.command).toBe("jarvis mode observe --reason TEXT");
    expect(reserve()).toBe(true);
    await kernel.post("/api/mode", { mode: "execute", reason: "test" });
    expect((await status()).wayOut.command).toBe("jarvis resume");
    await kernel.post("/api/self-extension/promotion", { paused: false, reason: "test" });
    await until(async () => {
      const { result } = await kernel.get<{ result: { blockReasons: string[] } }>(
        `/api/runs/${parked}`,
      );
      // What it waits for now is the revert before it, if anything.
      return result.blockReasons.includes("disk-low") ? null : true;
    });
  });
});
