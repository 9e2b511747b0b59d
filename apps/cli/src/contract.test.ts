import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { plainFiles } from "@jarvis/tools/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeWorld, type Ended, type Running, type World } from "./testing/world.ts";

const PROGRAM = fileURLToPath(new URL("../dist/main.js", import.meta.url));
let world: World;
let up: Running;

beforeAll(async () => {
  world = makeWorld(plainFiles);
  up = await world.up();
});

afterAll(async () => {
  process.kill(up.pid, "SIGTERM");
  await up.ended;
  await world.discard();
});

const commands = [
  "up",
  "propose",
  "runs",
  "show",
  "events",
  "status",
  "pause",
  "resume",
  "mode",
  "kill",
  "actions",
  "approve",
  "reject",
  "cancel",
  "audit",
  "token",
  "rollback",
  "hold",
  "goal",
  "run",
  "mcp",
  "session",
  "accept",
  "takeover",
  "ledger",
  "backup",
  "restore",
  "recover",
  "doctor",
];

/** Exactly one document on standard output, and nothing that looks like a stack anywhere. */
function oneDocument(ended: Ended): unknown {
  expect(ended.stderr).not.toMatch(/^ {4}at /m);
  expect(ended.stdout.endsWith("\n")).toBe(true);
  expect(ended.stdout.trim().split("\n")).toHaveLength(1);
  return JSON.parse(ended.stdout);
}

/** What a refusal has to be: one document with the code and a sentence, and the sentence for a person. */
const aRefusal = (exitCode: number, code: string) => ({
  code: exitCode,
  stderr: expect.stringMatching(/\w/) as unknown,
  document: { error: { code, message: expect.stringMatching(/\w/) as unknown } },
});

const asRefusal = (ended: Ended) => ({
  code: ended.code,
  stderr: ended.stderr,
  document: oneDocument(ended),
});

const eventsNow = async (): Promise<unknown> =>
  oneDocument(await world.here(["events", "--limit", "500", "--json"]));

it("the program prints and ends as what it calls does", async () => {
  for (const [args, code] of [
    [["actions"], 0],
    [["show", "01990000-0000-7000-8000-000000000000"], 1],
    [["token", "add", "operator", "--role", "read"], 1],
    [["mode", "yolo"], 2],
    [["runs", "--state-dir", "/proc/nowhere"], 3],
  ] as const) {
    const ended = await world.jarvis([...args, "--json"]);
    oneDocument(ended);
    expect(ended.code).toBe(code);
    expect(await world.here([...args, "--json"])).toEqual(ended);
  }
});

describe("the ledger", () => {
  it("is verified beside the kernel, exported, and proves nothing without an anchor", async () => {
    const verified = await world.jarvis(["ledger", "verify", "--json"]);
    expect(oneDocument(verified)).toMatchObject({ ok: true, divergences: [] });
    expect(verified.code).toBe(0);
    const bundle = join(world.stateDir, "event.bundle.json");
    const proved = await world.here(["ledger", "prove", "events:1", "--out", bundle, "--json"]);
    expect(oneDocument(proved)).toMatchObject({ ledger: "self_extension_events", covering: 0 });
    const checked = await world.here(["ledger", "check", bundle, "--json"]);
    expect(checked.code).toBe(1);
    expect(oneDocument(checked)).toMatchObject({ error: { code: "malformed-bundle" } });
    const exported = await world.jarvis(["ledger", "export"]);
    const lines = exported.stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as { type: string })).toContainEqual(
      expect.objectContaining({ type: "checkpoint" }),
    );
    expect((await world.here(["ledger", "prove", "nonsense"])).code).toBe(2);
    expect((await world.here(["ledger", "prove", "events:99999"])).code).toBe(1);
    expect((await world.here(["ledger", "rotate-key", "--reason", "x"])).code).toBe(1);
  });

  it("is backed up while the kernel runs, and nothing is restored or recovered under it", async () => {
    const file = join(world.stateDir, "backup.gz");
    const written = await world.jarvis(["backup", file, "--json"]);
    expect(oneDocument(written)).toMatchObject({ sealed: expect.any(Number) });
    const nowhere = await world.here(["backup", world.directory, "--json"]);
    expect(asRefusal(nowhere)).toMatchObject(aRefusal(2, "file-unwritable"));
    const beside = readdirSync(dirname(world.directory));
    expect(beside.filter((name) => name.startsWith(basename(world.directory)))).toHaveLength(1);
    const restored = await world.here(["restore", file, "--reason", "x", "--json"]);
    expect(restored.code).toBe(3);
    expect(oneDocument(restored)).toMatchObject({ error: { code: "state-directory-locked" } });
    const recovered = await world.here(["recover", "--accept-restore", "--reason", "x", "--json"]);
    expect(recovered.code).toBe(1);
    expect(oneDocument(recovered)).toMatchObject({ error: { code: "nothing-to-recover" } });
  });
});

it("a reader that goes away before the answer is an end, and no stack", () => {
  for (const args of [
    ["runs", "--json"],
    ["ledger", "export"],
    ["events", "--follow"],
  ]) {
    const piped = ["-o", "pipefail", "-c", '"$0" "$@" | true', process.execPath, PROGRAM, ...args];
    const { status, stderr } = spawnSync("bash", piped, { cwd: world.directory, encoding: "utf8" });
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: "" });
  }
});

describe("every command", () => {
  it("has --help that names the flags they share", async () => {
    const { stdout: all } = await world.jarvis(["--help"]);
    for (const command of commands) expect(all).toMatch(new RegExp(`^  ${command} `, "m"));
    for (const command of commands) {
      const { code, stdout } = await world.here([command, "--help"]);
      expect({ command, code }).toEqual({ command, code: 0 });
      for (const flag of ["--json", "--repo", "--state-dir"]) expect(stdout).toContain(flag);
    }
  });

  it("ends 2 on a flag it does not know, with one document where --json is given", async () => {
    for (const command of commands) {
      const ended = await world.here([command, "--no-such-flag", "--json"]);
      expect({ command, code: ended.code }).toEqual({ command, code: 2 });
      expect(oneDocument(ended)).toMatchObject({
        error: { code: expect.stringMatching(/^commander\./) },
      });
    }
  });
});

describe("--json prints one document", () => {
  it.each([
    [["status"]],
    [["runs"]],
    [["events"]],
    [["pause", "--reason", "test"]],
    [["resume"]],
    [["mode", "observe"]],
    [["kill", "--reason", "test"]],
    [["actions"]],
    [["actions", "--state", "validated"]],
    [["audit", "--type", "mode_change"]],
    [["token", "list"]],
  ])("%j: 0", async (args) => {
    const ended = await world.here([...args, "--json"]);
    oneDocument(ended);
    expect(ended.code).toBe(0);
  });

  it.each([
    [["show", "01990000-0000-7000-8000-000000000000"], 1, "run-unknown"],
    [["accept", "a".repeat(40)], 1, "commit-unknown"],
    [["accept", "HEAD"], 2, "invalid-request"],
    [["mode", "yolo"], 2, "commander.invalidArgument"],
    [["pause"], 2, "commander.missingMandatoryOptionValue"],
    [["pause", "--reason", " "], 2, "commander.invalidArgument"],
    [["runs", "--limit", "0"], 2, "commander.invalidArgument"],
    [["propose", "--patch", "/no/such/file"], 2, "patch-unreadable"],
    [["actions", "4711"], 1, "unknown-proposal"],
    [["actions", "--state", "done"], 2, "commander.invalidArgument"],
    [["approve", "4711"], 1, "unknown-proposal"],
    [["approve", "one"], 2, "commander.invalidArgument"],
    [["reject", "4711", "--reason", "no"], 1, "unknown-proposal"],
    [["cancel", "4711", "--reason", "no"], 1, "unknown-proposal"],
    [["events", "--run", "01990000-0000-7000-8000-000000000000"], 1, "run-unknown"],
    [["audit", "--action", "4711"], 1, "unknown-proposal"],
    [["goal", "list", "--state", "foo"], 2, "commander.invalidArgument"],
    [["goal", "list", "more"], 2, "invalid-argument"],
    [["hold", "list", "more"], 2, "invalid-argument"],
    [["session", "list", "more"], 2, "invalid-argument"],
    [["token", "list", "more"], 2, "invalid-argument"],
    [["ledger", "verify", "more"], 2, "invalid-argument"],
    [["audit", "--type", "nothing"], 2, "commander.invalidArgument"],
    [["events", "--type", "nonsense"], 2, "commander.invalidArgument"],
    [["backup", "/no/such/dir/x"], 2, "file-unwritable"],
    [["ledger", "prove", "events:1", "--out", "/no/such/dir/x"], 2, "file-unwritable"],
    [["ledger", "export", "--out", "/no/such/dir/x"], 2, "file-unwritable"],
    [["token", "give"], 2, "commander.invalidArgument"],
    [["token", "add"], 2, "invalid-argument"],
    [["token", "add", "ci", "--role", "root"], 2, "invalid-argument"],
    [["token", "add", "operator", "--role", "read"], 1, "token-refused"],
    [["token", "add", "BAD!", "--role", "read"], 2, "token-name-invalid"],
    [["token", "revoke", "nobody"], 1, "token-refused"],
    [["rollback", "--reason", "no"], 1, "nothing-serves"],
    [["hold", "lift", "01990000-0000-7000-8000-000000000000", "--reason", "no"], 1, "run-unknown"],
    [["hold", "lift"], 2, "invalid-argument"],
    [["session", "release", "body:none", "--reason", "no"], 1, "session-unknown"],
    [["session", "release"], 2, "invalid-argument"],
    [["runs", "--state-dir", "/proc/nowhere"], 3, "no-state"],
  ])("%j: %d %s, with a sentence", async (args, exitCode, code) => {
    expect(asRefusal(await world.here([...args, "--json"]))).toMatchObject(
      aRefusal(exitCode, code),
    );
  });

  it.each([
    [["up", "--port", "0"], 3, "state-directory-locked"],
    [["up", "--port", "many"], 2, "invalid-setting"],
  ])("%j: %d %s, with the launcher's sentence", async (args, exitCode, code) => {
    expect(asRefusal(await world.jarvis([...args, "--json"]))).toMatchObject(
      aRefusal(exitCode, code),
    );
  });

  it("of a demonstration, whose progress is told on standard error", async () => {
    const places = ["--repo", "/", "--state-dir", world.stateDir];
    const ended = await world.jarvis(["demo", "--json", ...places]);
    expect(asRefusal(ended)).toMatchObject(aRefusal(3, "kernel-not-running"));
    expect(ended.stderr).toContain("Demonstration on Jarvis's own source");
  });

  it("of what doctor found, and ends 1 when something is missing", async () => {
    const ended = await world.jarvis(["doctor", "--json"]);
    expect(oneDocument(ended)).toMatchObject({ ok: true });
    expect(ended.code).toBe(0);
    const broken = await world.here(["doctor", "--json", "--repo", "/"]);
    expect(oneDocument(broken)).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([
        expect.objectContaining({
          name: "repository",
          ok: false,
          mend: expect.stringContaining("--repo"),
        }),
      ]),
    });
    expect(broken.code).toBe(1);
  });
});

it("the newest of the action ledger are shown on request, the newest last", async () => {
  await world.here(["mode", "observe", "--reason", "the last of all"]);
  const audited = async (...args: string[]) =>
    oneDocument(await world.here(["audit", "--limit", "1", ...args, "--json"]));
  expect(await audited("--newest")).toMatchObject([
    { eventType: "mode_change", eventData: { reason: "the last of all" } },
  ]);
  expect(await audited()).not.toEqual(await audited("--newest"));
});

describe("propose", () => {
  it("ends 2 and records nothing where the patch is none", async () => {
    const before = await eventsNow();
    const ended = await world.jarvis(["propose", "--patch", "-", "--json"], { input: "hello\n" });
    expect(oneDocument(ended)).toMatchObject({ error: { code: "invalid-proposal" } });
    expect(ended.code).toBe(2);
    expect(await eventsNow()).toEqual(before);
  });

  it("ends 2 where the patch is not UTF-8, instead of landing other bytes", async () => {
    const text = world.patch({ "src/name.js": "export const name = 'X';\n" });
    const input = Buffer.from(text.replace("'X'", "'\u00e9'"), "latin1");
    const file = join(world.stateDir, "latin1.patch");
    writeFileSync(file, input);
    const ended = await world.here(["propose", "--patch", file, "--json"]);
    expect(oneDocument(ended)).toMatchObject({ error: { code: "patch-not-text" } });
    expect(ended.code).toBe(2);
  });

  it.each([
    ["path-traversal", "../outside.js", "new"],
    ["does-not-apply", "src/add.js", "other"],
  ])("ends 1 and records %s", async (reason, path, kind) => {
    const input =
      kind === "new"
        ? `diff --git a/${path} b/${path}\nnew file mode 100644\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+x\n`
        : `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-not there\n+x\n`;
    const ended = await world.jarvis(["propose", "--patch", "-", "--wait", "--json"], { input });
    const result = oneDocument(ended) as { lifecycleRunId: string };
    expect(result).toMatchObject({ status: "blocked", blockReasons: [reason] });
    expect(ended.code).toBe(1);
    const shown = await world.here(["show", result.lifecycleRunId, "--json"]);
    expect(oneDocument(shown)).toMatchObject({ result: { blockReasons: [reason] } });
  });

  it("answers the run id at once without --wait", async () => {
    const input = world.patch({ "src/quick.js": "export const quick = 1;\n" });
    const ended = await world.jarvis(["propose", "--patch", "-", "--json"], { input });
    expect(oneDocument(ended)).toEqual({
      lifecycleRunId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(ended.code).toBe(0);
  });

  it("names the run before it waits, and says that it goes on when nobody waits any more", async () => {
    const input = world.patch({ "src/waited.js": "export const waited = 1;\n" });
    const waiting = world.start(["propose", "--patch", "-", "--wait", "--json"], { input });
    const first = await waiting.firstError;
    expect(first).toMatch(/^run [0-9a-f-]{36}$/);
    process.kill(waiting.pid, "SIGINT");
    const { code, stdout, stderr } = await waiting.ended;
    const runId = first.slice("run ".length);
    expect({ code, stdout }).toEqual({ code: null, stdout: "" });
    expect(stderr).toContain(`The run goes on; follow it with: jarvis show ${runId}\n`);
    expect((await world.here(["show", runId])).code).toBe(0);
  });

  it("shows text of a candidate without control characters", async () => {
    const title = "\u001b[31mred\u001b]0;owned\u0007";
    const noisy = `import test from "node:test";\ntest("loud \\u001b[2J", () => { throw new Error("\\u001b[2Jcleared"); });\n`;
    const input = world.patch({ "test/noisy.test.js": noisy });
    const ended = await world.jarvis(["propose", "--patch", "-", "--title", title, "--wait"], {
      input,
    });
    expect(ended.code).toBe(1);
    const listed = await world.here(["runs"]);
    for (const text of [ended.stdout, ended.stderr, listed.stdout]) {
      expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    }
    expect(listed.stdout).toContain("red");
  });
});

it("a reason cannot pose as a line of status, nor turn what is read around", async () => {
  const reason = "done\nmode       execute\u202e";
  await world.here(["pause", "--reason", reason]);
  const { stdout } = await world.here(["status"]);
  await world.here(["resume"]);
  expect(stdout).toContain("done mode       execute?");
  expect(stdout.match(/^mode/gm)).toHaveLength(1);
});

/** The command with a terminal, at which somebody types a line. */
function atTerminal(line: string, ...args: string[]) {
  const quoted = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(" ");
  return spawnSync("script", ["--quiet", "--return", "--command", quoted, "/dev/null"], {
    cwd: world.directory,
    encoding: "utf8",
    input: `${line}\n`,
  });
}

describe("a change that needs a person", () => {
  const ask = async (...args: string[]) => {
    const ended = await world.here([...args, "--json"]);
    return { code: ended.code, said: oneDocument(ended) };
  };

  it("is approved by the digest that was shown, once Jarvis may act", async () => {
    const path = join(world.directory, "test/add.test.js");
    const input = world.patch({ "test/add.test.js": `// why\n${readFileSync(path, "utf8")}` });
    const proposed = await world.jarvis(["propose", "--patch", "-", "--wait", "--json"], { input });
    expect(oneDocument(proposed)).toMatchObject({ status: "parked" });
    const waiting = (await ask("actions", "--state", "validated")).said as { id: number }[];
    const id = String(waiting[0]?.id);
    const shown = await world.here(["actions", id]);
    for (const fact of ["releases   evaluator-changed", "test/add.test.js", "tree  ", "digest "]) {
      expect(shown.stdout).toContain(fact);
    }
    expect(await ask("approve", id)).toMatchObject({
      code: 1,
      said: { error: { code: "observe-only" } },
    });
    await ask("mode", "execute");
    expect(await ask("approve", id, "--digest", `sha256:${"0".repeat(64)}`)).toMatchObject({
      code: 1,
      said: { error: { code: "changed" } },
    });
    expect(atTerminal("no", "approve", id)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(
        /^ {2}\+\/\/ why\r\n[^]*Type yes[^]*Nothing was approved\./m,
      ) as unknown,
    });
    expect(await ask("approve", id)).toMatchObject({
      code: 0,
      said: {
        approved: { state: "completed", approvedBy: "approver" },
        execution: { outcome: "completed" },
      },
    });
    expect(await ask("reject", id, "--reason", "too late")).toMatchObject({
      code: 1,
      said: { error: { code: "not-rejectable" } },
    });
    const audited = (await ask("audit", "--action", id)).said as { eventType: string }[];
    expect(audited.map(({ eventType }) => eventType)).toEqual([
      "proposed",
      "validated",
      "approved",
      "executing",
      "completed",
    ]);
    await ask("mode", "observe");
  });
});

it("a token is shown once, and is nobody's after it was revoked", async () => {
  const added = await world.jarvis(["token", "add", "ci", "--role", "propose", "--json"]);
  const { token } = oneDocument(added) as { token: string };
  const listed = await world.here(["token", "list", "--json"]);
  expect(oneDocument(listed)).toMatchObject([
    { name: "operator" },
    { name: "approver" },
    { name: "ci", role: "propose" },
  ]);
  expect(listed.stdout).not.toContain(token);
  const again = await world.here(["token", "add", "ci", "--role", "approve", "--json"]);
  expect(again.code).toBe(1);
  const revoked = await world.here(["token", "revoke", "ci", "--json"]);
  expect(oneDocument(revoked)).toEqual({ name: "ci", revoked: true });
});

it("events --follow prints one document a line, and ends when its reader does", async () => {
  const following = world.start(["events", "--follow", "--json"]);
  const line = await following.firstLine;
  expect(JSON.parse(line ?? "")).toMatchObject({ seq: expect.any(Number) });
  await world.here(["pause", "--reason", "followed"]);
  const documents = (): unknown[] =>
    following
      .printed()
      .split("\n")
      .slice(0, -1)
      .map((each): unknown => JSON.parse(each));
  await expect.poll(documents, { timeout: 30_000 }).toContainEqual(
    expect.objectContaining({
      type: "promotion_pause_changed",
      payload: expect.objectContaining({ reason: "followed" }),
    }),
  );
  process.kill(following.pid, "SIGTERM");
  await following.ended;
});

it("a command in a subdirectory means the whole repository", async () => {
  const ended = await world.jarvis(["status", "--json"], { cwd: join(world.directory, "src") });
  expect(oneDocument(ended)).toMatchObject({ kernel: { pid: expect.any(Number) } });
});

/** What is told where a file that leads to the kernel is damaged, and put back afterwards. */
async function withDamaged(name: string, text: string) {
  const path = join(world.stateDir, name);
  const before = readFileSync(path);
  writeFileSync(path, text);
  try {
    const status = await world.here(["status", "--json"]);
    const doctor = await world.here(["doctor", "--json"]);
    const proposed = await world.jarvis(["propose", "--patch", "-", "--json"], { input: "x" });
    return [status, doctor, proposed].map((ended) => JSON.stringify(oneDocument(ended)));
  } finally {
    writeFileSync(path, before);
  }
}

it.each([
  ["token", "x".repeat(43), "kernel-not-proved"],
  ["token", "", "kernel-not-proved"],
  ["kernel.json", "{", "kernel-facts-damaged"],
])("a damaged %s (%j) is named, and the kernel is not to be killed for it", async (...of) => {
  const [name, text, code] = of;
  const said = await withDamaged(name, text);
  for (const each of said) {
    expect(each).toContain(join(world.stateDir, name));
    expect(each).toContain("stop `jarvis up` and start it again");
    expect(each).not.toContain("jarvis kill");
  }
  expect(said.filter((each) => each.includes(code))).toHaveLength(2);
});

it("a token is not sent to a stranger who relays the question to the kernel", async () => {
  const path = join(world.stateDir, "kernel.json");
  const facts = readFileSync(path, "utf8");
  const { url } = JSON.parse(facts) as { url: string };
  const seen: string[] = [];
  const { createServer } = await import("node:http");
  const relay = createServer((request, response) => {
    seen.push(request.headers.authorization ?? "none");
    void fetch(`${url}${request.url}`).then(async (answer) => response.end(await answer.text()));
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const address = relay.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  writeFileSync(path, facts.replace(url, `http://127.0.0.1:${port}`));
  const ended = await world.here(["status", "--json"]);
  writeFileSync(path, facts);
  relay.close();
  expect(oneDocument(ended)).toMatchObject({ kernelProblem: { code: "kernel-not-proved" } });
  expect(seen).toEqual(["none"]);
});

it("a token is not sent to a stranger who listens where a kernel was", async () => {
  const path = join(world.stateDir, "kernel.json");
  const facts = readFileSync(path, "utf8");
  const seen: string[] = [];
  const { createServer } = await import("node:http");
  const stranger = createServer((request, response) => {
    seen.push(request.headers.authorization ?? "none");
    response.end(JSON.stringify({ status: "alive", proof: "trust me" }));
  });
  await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  const address = stranger.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  // With the process that holds the state: another one would be a kernel that starts and is waited for.
  const { pid } = JSON.parse(facts) as { pid: number };
  writeFileSync(path, JSON.stringify({ pid, url: `http://127.0.0.1:${port}` }));
  const ended = await world.here(["status", "--json"]);
  writeFileSync(path, facts);
  stranger.close();
  // The switches are read from the database, and the kernel that holds it is named.
  expect(oneDocument(ended)).toMatchObject({ kernel: null, silentKernel: expect.any(Number) });
  expect(seen).toEqual(["none"]);
});
