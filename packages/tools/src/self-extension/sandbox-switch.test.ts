import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { SafetyController } from "@jarvis/operator-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { passingFailure } from "./passing-failure.ts";
import { makeSandboxSwitch, type SandboxSwitch } from "./sandbox-switch.ts";

const asked = { reason: "test", actor: "anna" };

let workspace: string;
let database: TestDatabase;
let safety: SafetyController;
let sandboxes: SandboxSwitch;

beforeAll(async () => {
  workspace = mkdtempSync(join(tmpdir(), "jarvis-switch-"));
  database = await createTestDatabase();
  safety = new SafetyController(database.db);
  sandboxes = makeSandboxSwitch(() => safety);
});

afterAll(async () => {
  await database.close();
  rmSync(workspace, { recursive: true, force: true });
});

async function run(argv: string[], { signal, run: inSandbox } = sandboxes): Promise<string> {
  const ended = await inSandbox({ argv, workspace, signal: signal() });
  return ended.outcome === "killed" ? ended.reason : ended.outcome;
}

describe("the switch over sandboxes", () => {
  it("lets a sandbox run in observe and in execute", async () => {
    for (const mode of ["observe", "execute"] as const) {
      await safety.setMode(mode, asked);
      expect(await run(["true"])).toBe("exited");
    }
  });

  it("ends what runs, and only that", async () => {
    const slow = run(["sleep", "30"]);
    sandboxes.interrupt();
    expect(await slow).toBe("aborted");
    expect(await run(["true"])).toBe("exited");
  });

  it("begins nothing after a kill until a mode is set, not for another kernel either", async () => {
    await safety.kill(asked);
    expect(await run(["true"])).toBe("aborted");
    const later = makeSandboxSwitch(() => new SafetyController(database.db));
    expect(await run(["true"], later)).toBe("aborted");
    await safety.setMode("observe", asked);
    expect(await run(["true"])).toBe("exited");
  });

  it("begins nothing where it cannot be read, and calls that no kill", async () => {
    const gone = await createTestDatabase();
    await gone.close();
    const unread = makeSandboxSwitch(() => new SafetyController(gone.db));
    const error: unknown = await run(["true"], unread).catch((thrown: unknown) => thrown);
    expect(passingFailure(error)).toMatchObject({ reason: "database-unreachable" });
  });
});
