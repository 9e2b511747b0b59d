import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { endAllSandboxes, killAllSandboxes, runningSandboxes } from "./running.ts";
import { checkSandbox, runInSandbox } from "./sandbox.ts";
import { processesWith } from "./testing/processes.ts";
import { isRoot, makeWorld } from "./testing/world.ts";

describe("how it ended", () => {
  it.each([
    ["true", { outcome: "exited", exitCode: 0 }],
    ["exit 7", { outcome: "exited", exitCode: 7 }],
    ["exit 255", { outcome: "exited", exitCode: 255 }],
    ["kill -11 $$", { outcome: "signaled", signal: 11 }],
    // What bubblewrap reports cannot be told from a signal.
    ["exit 137", { outcome: "signaled", signal: 9 }],
    ["no-such-program", { outcome: "exited", exitCode: 127 }],
  ])("says truthfully of `%s`", async (script, ending) => {
    const { workspace } = makeWorld();
    expect(await runInSandbox({ argv: ["sh", "-c", script], workspace })).toMatchObject(ending);
  });

  it("does not take it from the candidate", async () => {
    const { workspace } = makeWorld();
    const result = await runInSandbox({ argv: ["sh", "forge.sh"], workspace });
    expect(result).toMatchObject({
      outcome: "exited",
      exitCode: 7,
      // Words like bubblewrap's stay the candidate's.
      stderr: expect.stringContaining("bwrap: Creating new namespace failed"),
    });
  });

  it("is an infrastructure error when the sandbox could not be set up", async () => {
    const { workspace } = makeWorld();
    const result = await runInSandbox({ argv: ["true"], workspace, cwd: "/no/such/place" });
    expect(result).toMatchObject({
      outcome: "sandbox-error",
      message: expect.stringMatching(/^The sandbox could not be set up: bwrap: .*no\/such\/place/),
    });
  });

  it("names tier and version in every result", async () => {
    const { workspace } = makeWorld();
    const availability = await checkSandbox();
    const tier = isRoot ? "bubblewrap-dropped-uid" : "bubblewrap";
    expect(availability).toEqual({
      available: true,
      tier,
      version: expect.stringMatching(/^\d+\.\d+/),
    });
    expect(await runInSandbox({ argv: ["true"], workspace })).toMatchObject({ tier });
    expect(await runInSandbox({ argv: [], workspace })).toMatchObject({ tier });
  });
});

describe("what a program finds", () => {
  it("is a clean environment without a word about a sandbox", async () => {
    const { workspace } = makeWorld();
    const argv = [
      "node",
      "-p",
      "JSON.stringify([process.env, os.userInfo().username, os.hostname()])",
    ];
    const result = await runInSandbox({ argv, workspace, env: { GIVEN: "a\nb" } });
    const [env, user, host] = JSON.parse(result.stdout) as [Record<string, string>, string, string];
    expect(env).toMatchObject({ CI: "1", GIVEN: "a\nb", LANG: "C.UTF-8", TMPDIR: "/tmp" });
    expect(Object.keys(env).sort()).toEqual(
      ["CI", "GIVEN", "HOME", "LANG", "PATH", "PWD", "TMPDIR"].sort(),
    );
    expect([user, host]).toEqual(["jarvis", "jarvis"]);
    expect(result.stdout).not.toMatch(/sandbox/i);
  });

  it("is the Node that runs us, by name and in PATH", async () => {
    const { workspace } = makeWorld();
    const direct = await runInSandbox({ argv: ["node", "-p", "process.version"], workspace });
    const byPath = await runInSandbox({ argv: ["sh", "-c", "node -p process.version"], workspace });
    expect(direct.stdout).toBe(`${process.version}\n`);
    expect(byPath.stdout).toBe(`${process.version}\n`);
  });

  it("is its stdin, or nothing", async () => {
    const { workspace } = makeWorld();
    const given = await runInSandbox({ argv: ["cat"], workspace, stdin: "ä\n" });
    const nothing = await runInSandbox({ argv: ["cat"], workspace });
    const unread = await runInSandbox({ argv: ["true"], workspace, stdin: "x".repeat(1 << 20) });
    expect([given.stdout, nothing.stdout, unread.outcome]).toEqual(["ä\n", "", "exited"]);
  });

  it("is argv as it was given, never a shell's reading of it", async () => {
    const { workspace } = makeWorld();
    const odd = ["$(id)", "`id`", "; id", "--", "-n", "a b", "", "'\"", "*", "\n"];
    const argv = ["node", "-p", "JSON.stringify(process.argv.slice(1))", "--", ...odd];
    const result = await runInSandbox({ argv, workspace });
    expect(JSON.parse(result.stdout)).toEqual(odd);
  });
});

describe("paths", () => {
  it.each([["a b"], ["it's"], ['"double"'], ["-dash"], ["line\nbreak"], ["$(id) `id` ;&|*"]])(
    "may be called %j",
    async (name) => {
      const world = makeWorld(`${name}-`);
      const source = path.join(world.root, name);
      mkdirSync(source, { mode: 0o700 });
      writeFileSync(path.join(source, "file"), "found", { mode: 0o644 });
      const result = await runInSandbox({
        argv: ["sh", "-c", 'cat "$1" && echo x > "$2"', "sh", `/in/${name}/file`, `/${name}-out/x`],
        workspace: world.workspace,
        mounts: [
          { kind: "ro", source, target: `/in/${name}` },
          { kind: "rw", source: world.out, target: `/${name}-out` },
        ],
      });
      expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stdout: "found" });
      expect(readFileSync(path.join(world.out, "x"), "utf8")).toBe("x\n");
    },
  );

  it("may lie in a home that only its owner enters", async () => {
    const world = makeWorld("closed-", os.homedir());
    expect(statSync(world.root).mode & 0o777).toBe(0o700);
    const result = await runInSandbox({
      argv: ["sh", "-c", "cat hello && echo made > /out/made"],
      workspace: (world.write("hello", "hello"), world.workspace),
      mounts: [{ kind: "rw", source: world.out, target: "/out" }],
    });
    expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stdout: "hello" });
    const made = statSync(path.join(world.out, "made"));
    expect(made.uid === 0).toBe(false);
  });

  it("hands over what a writable directory holds already", async () => {
    const world = makeWorld();
    mkdirSync(path.join(world.out, "deep"), { mode: 0o700 });
    writeFileSync(path.join(world.out, "deep/file"), "old", { mode: 0o600 });
    const result = await runInSandbox({
      argv: ["sh", "-c", "cat deep/file && echo new > deep/file && rm -r deep && echo x > x"],
      workspace: world.workspace,
      cwd: "/out",
      mounts: [{ kind: "rw", source: world.out, target: "/out" }],
    });
    expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stdout: "old" });
  });
});

describe("ending it from outside", () => {
  it("happens by an AbortSignal, during and before", async () => {
    const { workspace } = makeWorld();
    const marker = `marker-${process.pid}-${Date.now()}-abort`;
    const during = new AbortController();
    setTimeout(() => during.abort(), 200);
    const argv = ["node", "outlive.mjs", "stay", marker];
    const ended = await runInSandbox({ argv, workspace, signal: during.signal });
    expect(ended).toMatchObject({ outcome: "killed", reason: "aborted" });
    expect(ended.durationMs).toBeLessThan(2000);
    expect(processesWith(marker)).toEqual([]);

    const before = await runInSandbox({ argv, workspace, signal: AbortSignal.abort() });
    expect(before).toMatchObject({ outcome: "killed", reason: "aborted", stdout: "" });
    const never = await runInSandbox({
      argv: ["true"],
      workspace,
      signal: new AbortController().signal,
    });
    expect(never).toMatchObject({ outcome: "exited" });
  });

  it("happens to all of them by the kill switch, wherever each one is", async () => {
    const { workspace } = makeWorld();
    await checkSandbox();
    const marker = `marker-${process.pid}-${Date.now()}-all`;
    const argv = ["node", "outlive.mjs", "stay", marker];
    const early = [0, 1].map(() => runInSandbox({ argv, workspace }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const late = [0, 1].map(() => runInSandbox({ argv, workspace }));
    // Let these two be listed, but not started yet.
    await Promise.resolve();

    expect(await killAllSandboxes()).toBe(4);
    for (const result of await Promise.all([...early, ...late])) {
      expect(result).toMatchObject({ outcome: "killed", reason: "aborted" });
    }
    expect(processesWith(marker)).toEqual([]);
    expect(await killAllSandboxes()).toBe(0);
    expect(await runInSandbox({ argv: ["true"], workspace })).toMatchObject({ exitCode: 0 });
  });

  it("is counted by the kill switch too where somebody else ended it on the way", async () => {
    const { workspace } = makeWorld();
    const over = new AbortController();
    const argv = ["node", "outlive.mjs", "stay", `marker-${process.pid}-${Date.now()}-before`];
    const ended = runInSandbox({ argv, workspace, signal: over.signal });
    const about = { runId: "run-1", stage: "tests" };
    const stays = runInSandbox({ argv, workspace, about });
    const before = runningSandboxes();
    over.abort();
    await ended;
    expect(await endAllSandboxes(before)).toEqual([
      { label: "run", about: {} },
      { label: "run", about },
    ]);
    expect(await stays).toMatchObject({ outcome: "killed", reason: "aborted" });
  });

  it("keeps many at once apart", async () => {
    const { workspace } = makeWorld();
    const results = await Promise.all(
      [...Array.from({ length: 8 }).keys()].map((index) =>
        runInSandbox({
          argv: ["sh", "-c", `echo ${index} > /tmp/n; cat /tmp/n; exit ${index}`],
          workspace,
        }),
      ),
    );
    expect(
      results.map((result) => [result.stdout, result.outcome === "exited" && result.exitCode]),
    ).toEqual([...Array.from({ length: 8 }).keys()].map((index) => [`${index}\n`, index]));
  });
});
