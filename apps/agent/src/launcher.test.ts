import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isRunning } from "@jarvis/sandbox/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { filesDigest } from "./files-digest.ts";
import { until } from "./testing/kernel-program.ts";
import { launcherFiles } from "./testing/launcher-files.ts";

let root: string;
let stateDir: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "jarvis-launcher-"));
  stateDir = join(root, "state");
  mkdirSync(join(stateDir, "releases"), { recursive: true });
  // Nothing else is there: the launcher must not need any more than these.
  for (const [path, content] of Object.entries(launcherFiles())) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Stand-ins for a kernel, each as long as what is asked of it: the launcher sees nothing else. */
const ready = (name: string): string => `console.log('{"ready":true,"name":"${name}"}');\n`;
const kernels = {
  stopsInOrder: (name: string) => ready(name),
  neverReady: () => `setInterval(() => {}, 1000);\n`,
  crashesEarly: () => `process.exit(1);\n`,
  crashesLater: (name: string) => `${ready(name)}process.exit(9);\n`,
  asksAgain: (name: string) => `${ready(name)}process.exit(75);\n`,
  told: (name: string) =>
    `console.log(JSON.stringify({ ready: true, name: "${name}", argv: process.argv.slice(2), launcher: JSON.parse(process.env.JARVIS_LAUNCHER) }));\n`,
  misses: (code: string) =>
    `console.log('{"ready":false,"exitCode":3,"error":{"code":"${code}"}}'); process.exit(3);\n`,
  refuses: (name: string) => `console.log('{"ready":false,"name":"${name}"}'); process.exit(3);\n`,
};

function install(directory: string, source: string): string {
  const path = join(root, directory, "apps/agent/dist/main.js");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, source);
  return join(root, directory);
}

/** A blessed release with that kernel, and what the pointer says of it. */
function release(name: string, source: string) {
  const directory = install(`state/releases/kernels/${name}`, source);
  const program = "apps/agent/dist/main.js";
  return { directory, program, filesDigest: filesDigest(directory) };
}

function point(to: unknown): void {
  writeFileSync(join(stateDir, "releases", "kernel-pointer.json"), JSON.stringify(to));
}

function start(...args: string[]) {
  const limits = ["--ready-ms", "1500", "--stop-ms", "500"];
  const child = spawn(
    process.execPath,
    [join(root, "apps/agent/dist/launcher.js"), "--state-dir", stateDir, ...limits, ...args],
    { stdio: ["pipe", "pipe", "pipe"], env: {} },
  );
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended, said: () => stdout, warned: () => stderr };
}

const launched = async () => await start().ended;

describe("the launcher", () => {
  it("starts the kernel beside it where no release was blessed", async () => {
    install(".", kernels.stopsInOrder("beside"));
    expect(await launched()).toMatchObject({ code: 0, stdout: '{"ready":true,"name":"beside"}\n' });
  });

  it("starts the newest blessed release", async () => {
    install(".", kernels.stopsInOrder("beside"));
    const older = release("older", kernels.stopsInOrder("older"));
    point([release("newer", kernels.stopsInOrder("newer")), older]);
    const { code, stdout, stderr } = await launched();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("newer");
  });

  it.each([
    ["never becomes ready", kernels.neverReady()],
    ["ends before it is ready", kernels.crashesEarly()],
    ["refuses to run", kernels.refuses("newer")],
    ["crashes again and again", kernels.crashesLater("newer")],
  ])("falls back to the one before it where it %s", async (_, source) => {
    install(".", kernels.stopsInOrder("beside"));
    point([release("newer", source), release("older", kernels.stopsInOrder("older"))]);
    const { code, stdout, stderr } = await launched();
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").at(-1)).toContain("older");
    // Whoever reads the first line must not take a refusal for the last word.
    expect(stdout).not.toContain('"ready":false');
    expect(stderr).toMatch(/newer is left out: .*\. The one before it is started\./);
  });

  it("does not start a release whose files are not what they were", async () => {
    install(".", kernels.stopsInOrder("beside"));
    const newer = release("newer", kernels.stopsInOrder("newer"));
    point([newer]);
    writeFileSync(join(newer.directory, "added.js"), "");
    const { code, stdout, stderr } = await launched();
    expect(code).toBe(0);
    expect(stdout).toContain("beside");
    expect(stderr).toContain("its files are not what they were");
  });

  it.each([
    ["no JSON", "{"],
    ["another form", '{"directory": 1}'],
  ])("starts the kernel beside it where the pointer is %s", async (_, text) => {
    install(".", kernels.stopsInOrder("beside"));
    writeFileSync(join(stateDir, "releases", "kernel-pointer.json"), text);
    const { code, stdout, stderr } = await launched();
    expect(code).toBe(0);
    expect(stdout).toContain("beside");
    expect(stderr).toContain("cannot be read");
  });

  it("ends with the words and the code of the last kernel where that refuses too", async () => {
    install(".", kernels.refuses("beside"));
    point([release("newer", kernels.refuses("newer"))]);
    const { code, stdout } = await launched();
    expect({ code, stdout }).toEqual({ code: 3, stdout: '{"ready":false,"name":"beside"}\n' });
  });

  it.each(["invalid-setting", "state-directory-locked", "database-unreachable"])(
    "holds %s against no kernel, and ends with its words at the first start",
    async (code) => {
      install(".", kernels.stopsInOrder("beside"));
      point([release("newer", kernels.misses(code))]);
      const { code: exitCode, stdout, stderr } = await launched();
      expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: "" });
      expect(stdout.trim()).toBe(`{"ready":false,"exitCode":3,"error":{"code":"${code}"}}`);
    },
  );

  it("waits for a database that went away, longer each time, and holds it against no kernel", async () => {
    install(".", kernels.stopsInOrder("beside"));
    const away = `
      import { appendFileSync, readFileSync } from "node:fs";
      const boots = ${JSON.stringify(join(root, "boots"))};
      appendFileSync(boots, "x");
      const { length } = readFileSync(boots, "utf8");
      if (length === 1 || length === 6) console.log('{"ready":true,"url":"http://127.0.0.1:4271"}');
      if (length === 6) process.exit(0);
      ${kernels.misses("database-unreachable")}`;
    point([release("newer", away)]);
    const { code, stderr } = await start("--wait-ms", "20").ended;
    expect(code).toBe(0);
    expect(readFileSync(join(root, "boots"), "utf8")).toBe("xxxxxx");
    expect(stderr.match(/cannot run now \(database-unreachable\)/g)).toHaveLength(5);
    expect(stderr).not.toContain("left out");
  });

  it("stops at once while it waits for a database", async () => {
    install(
      ".",
      `console.log('{"ready":true,"url":"http://127.0.0.1:4271"}');\n${kernels.misses("database-unreachable")}`,
    );
    const { child, ended, warned } = start("--wait-ms", "600000");
    await until(() => (warned().includes("started again in 600 s") ? true : null));
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0 });
  });

  it("gives up on a last kernel that crashes again and again", async () => {
    install(".", kernels.crashesLater("beside"));
    const { code, stdout, stderr } = await launched();
    expect(code).toBe(9);
    expect(stdout.trim().split("\n")).toHaveLength(3);
    expect(stderr).toContain("ended again and again (exit code 9); it is not started any more.");
  });

  it("starts one again that has run for longer since, however often it was started before", async () => {
    const boots = join(root, "boots");
    const source = `
      import { appendFileSync, readFileSync } from "node:fs";
      appendFileSync(${JSON.stringify(boots)}, "x");
      const { length } = readFileSync(${JSON.stringify(boots)}, "utf8");
      ${ready("beside")}
      if (length === 3) await new Promise((done) => setTimeout(done, 3000));
      process.exit(length === 4 ? 0 : 9);\n`;
    install(".", source);
    const { code } = await start("--within-ms", "2500").ended;
    expect(code).toBe(0);
    expect(readFileSync(boots, "utf8")).toBe("xxxx");
  });

  it("starts again from wherever the pointer leads when a kernel asks for it", async () => {
    const newer = release("newer", kernels.stopsInOrder("newer"));
    const pointer = join(stateDir, "releases", "kernel-pointer.json");
    install(
      ".",
      `import { writeFileSync } from "node:fs";\n${ready("beside")}writeFileSync(${JSON.stringify(pointer)}, ${JSON.stringify(JSON.stringify([newer]))}); process.exit(75);\n`,
    );
    const { code, stdout } = await launched();
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { name: string }).name),
    ).toEqual(["beside", "newer"]);
  });

  it("does not start a kernel again that asks for it again and again", async () => {
    install(".", kernels.stopsInOrder("beside"));
    point([release("newer", kernels.asksAgain("newer"))]);
    const { code, stdout } = await launched();
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(4);
    expect(stdout.trim().split("\n").at(-1)).toContain("beside");
  });

  it("passes over a release that a kernel put on record as left out", async () => {
    install(".", kernels.stopsInOrder("beside"));
    const newer = release("newer", kernels.stopsInOrder("newer"));
    const older = release("older", kernels.stopsInOrder("older"));
    point([
      { ...newer, leftOut: { why: "it did not become ready", at: "2026-01-01T00:00:00.000Z" } },
      { ...older, leftOut: null },
    ]);
    const { stdout, stderr } = await launched();
    expect(stdout).toContain("older");
    expect(stderr).toBe("");
  });

  it("tells a kernel what it is and which were left out", async () => {
    install(".", kernels.stopsInOrder("beside"));
    const newer = release("newer", kernels.crashesEarly());
    const older = release("older", kernels.told("older"));
    point([newer, older]);
    const { launcher, argv } = JSON.parse((await launched()).stdout) as Record<string, unknown>;
    expect(launcher).toEqual({
      home: root,
      release: older.directory,
      leftOut: { [newer.directory]: "it did not become ready (exit code 1)" },
    });
    expect(argv).toEqual(["--state-dir", stateDir, "--until-stdin-closes"]);
  });

  it("starts a killed kernel again, at the same port", async () => {
    const { pids } = installServing();
    const { child, ended, said } = start();
    const first = await until(() => pids()[0] ?? null);
    process.kill(first, "SIGKILL");
    const second = await until(() => said().trim().split("\n")[1] ?? null);
    expect(second).toContain("--port,4271,--until-stdin-closes");
    child.kill("SIGTERM");
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).toContain("ended (SIGKILL) and is started again");
  });

  it("stops its kernel in order on SIGTERM, and with itself when it is killed", async () => {
    const { pids } = installServing();
    const first = start();
    await until(() => pids()[0] ?? null);
    first.child.kill("SIGTERM");
    expect(await first.ended).toMatchObject({ code: 0, stderr: "" });
    const second = start();
    const pid = await until(() => pids()[1] ?? null);
    second.child.kill("SIGKILL");
    await second.ended;
    await until(() => (isRunning(pid) ? null : true));
  });

  it("ends when whoever started it has, where that was asked for, and a wedged kernel with it", async () => {
    const { pids } = installServing();
    const { child, ended } = start("--until-stdin-closes");
    const pid = await until(() => pids()[0] ?? null);
    process.kill(pid, "SIGSTOP");
    child.stdin.end();
    await ended;
    expect(isRunning(pid)).toBe(false);
  });
});

/** A kernel beside the launcher that serves until it is told to stop, and notes its process. */
function installServing(): { pids: () => number[] } {
  const notes = join(root, "pids");
  const said = `{"ready":true,"url":"http://127.0.0.1:4271","argv":"`;
  install(
    ".",
    `import { appendFileSync } from "node:fs";
process.on("SIGTERM", () => process.exit(0));
process.stdin.on("end", () => process.exit(0)).resume();
console.log('${said}' + process.argv.join() + '"}');
appendFileSync(${JSON.stringify(notes)}, process.pid + "\\n");\n`,
  );
  const pids = (): number[] =>
    existsSync(notes) ? readFileSync(notes, "utf8").trim().split("\n").map(Number) : [];
  return { pids };
}
