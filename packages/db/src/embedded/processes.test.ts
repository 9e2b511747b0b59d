import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runningPostmaster, serverProcesses } from "./processes.ts";

let data: string;
let children: ChildProcess[];

beforeEach(() => {
  data = realpathSync(mkdtempSync(join(tmpdir(), "jarvis-data-")));
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(data, { recursive: true, force: true });
});

describe.runIf(process.platform === "linux")("the server process of a data directory", () => {
  it("is a live process that works in it", () => {
    const server = start("exec sleep 30", data);
    recordPid(server.pid);
    expect(runningPostmaster(data)).toBe(server.pid);
    expect(serverProcesses(data)).toEqual([server.pid]);
  });

  it("is none when the recorded number is a zombie's, which still takes signals", async () => {
    // The shell becomes a sleep, which never collects the child that the shell started.
    const parent = start("sleep 0.1 & echo $!; exec sleep 30", data);
    const [line] = (await once(parent.stdout!, "data")) as [Buffer];
    const zombie = Number(line.toString());
    while (!/\) Z /.test(readFileSync(`/proc/${zombie}/stat`, "utf8"))) await sleep(10);
    recordPid(zombie);
    expect(process.kill(zombie, 0)).toBe(true);
    expect(runningPostmaster(data)).toBeNull();
  });

  it("is none when the recorded number is by now another program's", () => {
    recordPid(start("exec sleep 30", "/").pid);
    expect(runningPostmaster(data)).toBeNull();
  });

  it("is still found as a backend once its postmaster's file is gone", () => {
    const backend = start("exec sleep 30", data);
    expect(runningPostmaster(data)).toBeNull();
    expect(serverProcesses(data)).toEqual([backend.pid]);
  });

  it.each(["", "not a number\n", "1\n", "-5\n"])("is none when the file says %j", (content) => {
    writeFileSync(join(data, "postmaster.pid"), content);
    expect(runningPostmaster(data)).toBeNull();
  });
});

function start(script: string, cwd: string): ChildProcess {
  const child = spawn("sh", ["-c", script], { cwd, stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  return child;
}

function recordPid(pid: number | undefined): void {
  writeFileSync(join(data, "postmaster.pid"), `${pid}\n${data}\n`);
}
