import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { actionWorld, anAction, eventually, validated } from "../testing/action-world.ts";
import type { ActionWorld } from "../testing/action-world.ts";
import { ActionProcesses } from "./action-processes.ts";

const node = process.execPath;
const MODULE = new URL("../../dist/actions/action-processes.js", import.meta.url).href;

/*
 * Ignores SIGTERM, has a child that ignores it too and a grandchild in a session of its own, and says
 * the ids of all three before it waits.
 */
const stubborn = `
const { spawn } = require("node:child_process");
process.on("SIGTERM", () => {});
const ignore = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);";
const child = spawn(process.execPath, ["-e", ignore], { stdio: "ignore" });
const own = spawn(process.execPath, ["-e", ignore], { stdio: "ignore", detached: true });
require("node:fs").writeFileSync(process.argv[1], [process.pid, child.pid, own.pid].join(" "));
setInterval(() => {}, 1000);
`;

let directory: string;
let world: ActionWorld;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-processes-"));
  const parameters = z.object({ file: z.string() });
  world = await actionWorld([
    anAction({
      name: "stubborn",
      effect: "process",
      parameters,
      run: async (given, { runProcess }) => {
        const { file } = parameters.parse(given);
        return await runProcess({ argv: [node, "-e", stubborn, file], cwd: directory });
      },
    }),
    anAction({
      name: "leaves-one",
      effect: "process",
      parameters,
      run: async (given, { runProcess }) => {
        const { file } = parameters.parse(given);
        void runProcess({ argv: [node, "-e", stubborn, file], cwd: directory }).catch(() => {});
        await eventually(() => pidsIn(file).length === 3);
        return "done";
      },
    }),
  ]);
});

afterEach(() => world.safety.setMode("execute", { reason: "a test", actor: "ada" }));

afterAll(async () => {
  await world.close();
  rmSync(directory, { recursive: true, force: true });
});

describe("a process of an action", () => {
  it("answers what it printed and how it ended", async () => {
    const program = "process.stdin.pipe(process.stdout); process.exitCode = 3;";
    const argv = [node, "-e", program];
    expect(await processes().run({ argv, cwd: directory, stdin: "hello" })).toEqual({
      exitCode: 3,
      signal: null,
      stdout: "hello",
      stderr: "",
      truncated: false,
    });
  });

  it("sees nothing of this process's environment but what it is given", async () => {
    process.env["JARVIS_TEST_SECRET"] = "do not tell";
    const argv = [node, "-p", "JSON.stringify(process.env)"];
    const { stdout } = await processes().run({ argv, cwd: directory, env: { GIVEN: "this" } });
    delete process.env["JARVIS_TEST_SECRET"];
    const seen = JSON.parse(stdout) as Record<string, string>;
    expect(Object.keys(seen).toSorted()).toEqual([
      "GIVEN",
      "HOME",
      "JARVIS_PROCESS_TREE",
      "LANG",
      "PATH",
    ]);
    expect(stdout).not.toContain("do not tell");
  });

  it("is cut where it prints too much", async () => {
    const argv = [node, "-e", "process.stdout.write('x'.repeat(100_000))"];
    const end = await processes().run({ argv, cwd: directory, outputLimitBytes: 10 });
    expect(end).toMatchObject({ stdout: "xxxxxxxxxx", truncated: true, exitCode: 0 });
  });

  it("is an error where there is no such program, and after the order to stop", async () => {
    const argv = ["/no/such/program"];
    await expect(processes().run({ argv, cwd: directory })).rejects.toThrow("could not be started");
    const late = new ActionProcesses(AbortSignal.abort());
    await expect(late.run({ argv: [node], cwd: directory })).rejects.toThrow("was stopped");
    const over = processes();
    expect(await over.end()).toBe(true);
    await expect(over.run({ argv: [node], cwd: directory })).rejects.toThrow("was stopped");
  });
});

describe("a program that cannot be started is this call's failure", () => {
  it("where its arguments are too long", async () => {
    const argv = [node, "-e", "0", "x".repeat(4_000_000)];
    const failure = processes().run({ argv, cwd: directory });
    await expect(failure).rejects.toMatchObject({ code: "process-failed" });
  });

  it("where this process has no descriptors left", () => {
    // In a process of its own, which has none: nothing but the answer may end it.
    const exhausted = `
      import { openSync } from "node:fs";
      import { ActionProcesses } from ${JSON.stringify(MODULE)};
      const processes = new ActionProcesses(new AbortController().signal);
      try { for (;;) openSync("/dev/null", "r"); } catch {}
      const failed = await processes.run({ argv: ["/bin/true"], cwd: "/" }).catch((error) => error);
      process.on("exit", () => console.log(failed.code, failed.message));`;
    const script = 'ulimit -n 400; exec "$0" --input-type=module --eval "$1"';
    const said = execFileSync("bash", ["-c", script, node, exhausted], { encoding: "utf8" });
    expect(said).toMatch(/^process-failed .*EMFILE/);
  });
});

describe("the end of an action is not told before its processes are gone", () => {
  it("after a kill switch: also what ignores SIGTERM and left the group", async () => {
    const file = join(directory, "killed");
    const { id } = await validated(world.executor, {
      actionName: "stubborn",
      parameters: { file },
    });
    const outcome = world.executor.execute(id, { approvalToken: undefined });
    await eventually(() => pidsIn(file).length === 3);
    expect(await world.safety.killSwitch({ reason: "stop", actor: "ada" })).toBe(1);
    expect(pidsIn(file).filter(runs)).toEqual([]);
    expect(await outcome).toMatchObject({ outcome: "cancelled" });
    const [end] = await world.auditor.getEvents({ proposalId: id, eventType: "cancelled" });
    expect(end?.eventData).toMatchObject({ settled: true });
  });

  it("after an action that left some behind", async () => {
    const file = join(directory, "left");
    const { id } = await validated(world.executor, {
      actionName: "leaves-one",
      parameters: { file },
    });
    const outcome = await world.executor.execute(id, { approvalToken: undefined });
    expect(outcome).toMatchObject({ outcome: "completed", result: "done" });
    expect(pidsIn(file).filter(runs)).toEqual([]);
  });
});

function processes(): ActionProcesses {
  return new ActionProcesses(new AbortController().signal);
}

function pidsIn(file: string): number[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split(" ").filter(Boolean).map(Number);
}

function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "");
  } catch {
    return false;
  }
}
