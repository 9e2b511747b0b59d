import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it, onTestFinished } from "vitest";

import { LineReader } from "./line-reader.ts";
import { endAllSandboxes, killAllSandboxes } from "./running.ts";
import { runInSandbox } from "./sandbox.ts";
import { startInSandbox } from "./start-in-sandbox.ts";
import { usePackageForNode } from "./testing/compiled.ts";
import { processesWith } from "./testing/processes.ts";
import { makeWorld } from "./testing/world.ts";
import type { SandboxProcess, SandboxStartRequest } from "./types.ts";

const compiled = usePackageForNode();
const mebibyte = 1024 * 1024;

describe("a program that is talked with", () => {
  it("answers line by line, and its end is told truthfully", async () => {
    const { process: program, next } = await start("echo");
    expect(program.send("ä ".repeat(50_000))).toBe(true);
    expect(program.send("two")).toBe(true);
    expect([await next(), await next()]).toEqual(["ä ".repeat(50_000), "two"]);
    expect(program.memoryBytes()).toBeGreaterThan(4 * mebibyte);
    expect(program.stderrTail()).toBe("listening\n");

    program.send("end");
    expect(await program.ended).toMatchObject({
      outcome: "exited",
      exitCode: 7,
      stderrTail: "listening\n",
    });
    expect(program.memoryBytes()).toBeNull();
    expect(program.send("nobody")).toBe(false);
  });

  it("takes one line at a time, so that no line is taken for two", async () => {
    const { process: program } = await start("echo");
    expect(() => program.send("one\ntwo")).toThrow("may not hold a newline");
  });

  it("finds what a run finds", async () => {
    const argv = ["sh", "-c", "env | sort; id -u; hostname; ls /ws /proc | grep -v '^[0-9]*$'"];
    const { workspace } = makeWorld();
    const lines: string[] = [];
    const started = await startInSandbox({
      argv,
      workspace,
      label: "body",
      onLine: (line) => lines.push(line),
    });
    if (started.started) await started.process.ended;
    const run = await runInSandbox({ argv, workspace });
    expect(lines.join("\n")).toBe(run.stdout.trimEnd());
  });

  it("is gone with its whole tree when it was killed", async () => {
    const { process: program, marker } = await start("echo");
    expect(processesWith(marker)).not.toEqual([]);
    await program.kill();
    expect(processesWith(marker)).toEqual([]);
    expect(await program.ended).toMatchObject({ outcome: "killed", reason: "aborted" });
  });

  it("has no limit of time, but one where it is given", async () => {
    const limited = await start("echo", { limits: { wallMs: 300 } });
    const lasting = await start("echo");
    expect(await limited.process.ended).toMatchObject({ reason: "wall-timeout" });
    lasting.process.send("still here");
    expect(await lasting.next()).toBe("still here");
  });
});

describe("what it may do to who talks with it", () => {
  it.each(["flood", "endless-line", "noise"])("is bounded when it does %s", async (what) => {
    const { process: program, lines } = await start(what, {
      channel: { lineBytes: 64 * 1024, bytesPerSecond: 2 * mebibyte },
    });
    const end = await program.ended;
    const held = lines.reduce((sum, line) => sum + line.length, 0);
    expect(end).toMatchObject({ outcome: "killed", reason: "output-limit" });
    // A second's worth, and what was allowed while it ran.
    expect(held).toBeLessThan(2 * mebibyte * (1 + end.durationMs / 1000));
  });

  it("is to leave what it is sent unread: no more of it is taken", async () => {
    const { process: program, next } = await start("deaf", {
      channel: { pendingBytes: mebibyte },
    });
    await next();
    const line = "x".repeat(100_000);
    let sent = 0;
    while (program.send(line)) sent += 1;
    expect(sent).toBeLessThan(20);
    await program.kill();
  });

  it("ends with who started it, killed at any moment", async () => {
    const { workspace } = makeWorld();
    const marker = markerOf("orphan");
    const request = { argv: ["node", "talk.mjs", "echo", marker], workspace, label: "body" };
    const kernel = spawn(process.execPath, [
      "--input-type=module",
      "-e",
      `const { startInSandbox } = await import(${JSON.stringify(compiled.importUrl())});
       const started = await startInSandbox({ ...${JSON.stringify(request)}, onLine: () => process.stdout.write("ready") });
       started.process.send("hello");`,
    ]);
    await once(kernel.stdout, "data");
    expect(processesWith(marker)).not.toEqual([]);
    kernel.kill("SIGKILL");
    await once(kernel, "exit");
    await sleep(200);
    expect(processesWith(marker)).toEqual([]);
  });
});

describe("the kill switch", () => {
  it("ends it too, and tells it from a run", async () => {
    const { process: program, marker } = await start("echo");
    const { workspace } = makeWorld();
    const run = runInSandbox({ argv: ["sleep", "60"], workspace });
    const ended = await endAllSandboxes();
    expect(ended.map(({ label }) => label).sort()).toEqual(["body", "run"]);
    expect(await program.ended).toMatchObject({ outcome: "killed", reason: "aborted" });
    expect(await run).toMatchObject({ outcome: "killed", reason: "aborted" });
    expect(processesWith(marker)).toEqual([]);
  });

  it("ends what has not begun", async () => {
    const { workspace } = makeWorld();
    const starting = startInSandbox({ ...requestOf("echo"), workspace });
    await Promise.resolve();
    await killAllSandboxes();
    expect(await starting).toMatchObject({ started: false, reason: "aborted" });
  });
});

describe("a start that does not come about", () => {
  it.each([
    ["a wrong request", { argv: [] }, "argv[0] must name a program"],
    ["a place that is not there", { cwd: "/no/such/place" }, "could not be set up"],
    [
      "a limit that is none",
      { channel: { lineBytes: Number.NaN } },
      "lineBytes must be a positive",
    ],
  ])("answers with a sentence: %s", async (_what, change, sentence) => {
    const { workspace } = makeWorld();
    expect(await startInSandbox({ ...requestOf("echo"), workspace, ...change })).toMatchObject({
      started: false,
      reason: "not-started",
      message: expect.stringContaining(sentence),
    });
  });

  it("is all there is on a machine without sandbox", async () => {
    const { workspace } = makeWorld();
    const program = `
      const { startInSandbox } = await import(${JSON.stringify(compiled.importUrl())});
      const request = ${JSON.stringify({ argv: ["true"], workspace, label: "body" })};
      process.stdout.write(JSON.stringify(await startInSandbox({ ...request, onLine: () => undefined })));`;
    const denied = spawn(
      "unshare",
      [
        ["--user", "--map-root-user", "sh", "-c"],
        ['echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'],
        ["sh", process.execPath, "--input-type=module", "-e", program],
      ].flat(),
    );
    const chunks: string[] = [];
    denied.stdout.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
    await once(denied, "close");
    expect(JSON.parse(chunks.join(""))).toMatchObject({
      started: false,
      reason: "sandbox-unavailable",
      message: expect.stringContaining("max_user_namespaces"),
    });
  });
});

describe("lines", () => {
  const read = (bounds: { lineBytes: number; bytesPerSecond: number }) => {
    const seen: string[] = [];
    let now = 0;
    const reader = new LineReader(
      bounds,
      { line: (line) => seen.push(line), excess: () => seen.push("EXCESS") },
      () => now,
    );
    return {
      seen,
      push: (text: string) => reader.push(Buffer.from(text)),
      pass: (ms: number) => (now += ms),
    };
  };

  it("are cut at newlines, wherever the chunks are", () => {
    const { seen, push } = read({ lineBytes: 4, bytesPerSecond: 100 });
    for (const chunk of ["a", "b\n\nc", "def", "\n"]) push(chunk);
    expect(seen).toEqual(["ab", "", "cdef"]);
  });

  it("end at the first that is too long, finished or not", () => {
    const { seen, push } = read({ lineBytes: 4, bytesPerSecond: 100 });
    for (const chunk of ["abcd\n", "12345", "\nok\n"]) push(chunk);
    expect(seen).toEqual(["abcd", "EXCESS"]);
  });

  it("may come as fast as allowed and no faster", () => {
    const { seen, push, pass } = read({ lineBytes: 10, bytesPerSecond: 10 });
    push("12345678\n");
    pass(900);
    push("12345678\n");
    push("1\n");
    expect(seen).toEqual(["12345678", "12345678", "EXCESS"]);
  });
});

function markerOf(what: string): string {
  return `marker-${process.pid}-${Date.now()}-${what}`;
}

function requestOf(what: string, marker = markerOf(what)) {
  return { argv: ["node", "talk.mjs", what, marker], label: "body", onLine: () => undefined };
}

async function start(
  what: string,
  change: Partial<SandboxStartRequest> = {},
): Promise<{
  process: SandboxProcess;
  marker: string;
  lines: string[];
  next: () => Promise<string>;
}> {
  const { workspace } = makeWorld();
  const marker = markerOf(what);
  const lines: string[] = [];
  let taken = 0;
  let wake: () => void = () => undefined;
  const started = await startInSandbox({
    ...requestOf(what, marker),
    workspace,
    ...change,
    onLine: (line) => {
      lines.push(line);
      wake();
    },
  });
  if (!started.started) throw new Error(started.message);
  onTestFinished(() => started.process.kill());
  const next = async (): Promise<string> => {
    while (lines.length <= taken) await new Promise<void>((resolve) => (wake = resolve));
    return lines[taken++] ?? "";
  };
  return { process: started.process, marker, lines, next };
}
