import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DatabaseError } from "./errors.ts";
import { lockStateDirectory, openStateDirectory } from "./state-directory.ts";

const MODULE = new URL("../dist/state-directory.js", import.meta.url).href;
let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "jarvis state "));
});

afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

describe("a state directory", () => {
  it("is created for its owner only", () => {
    const path = openStateDirectory(join(parent, "deep", ".jarvis"));
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(openStateDirectory(path)).toBe(path);
  });

  it("is refused when others may enter it, with the command that helps", () => {
    const path = join(parent, "open");
    mkdirSync(path);
    chmodSync(path, 0o755);
    expect(() => openStateDirectory(path)).toThrow(/has mode 755, expected 700: run chmod 700/);
  });

  it.runIf(process.getuid?.() === 0)("is refused when another user owns it", () => {
    const path = join(parent, "foreign");
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, 65_534, 65_534);
    expect(() => openStateDirectory(path)).toThrow(/belongs to user id 65534, expected 0/);
  });

  it("that the system does not let anybody make is refused, and not tried for ever", () => {
    const code = `import { openStateDirectory } from ${JSON.stringify(MODULE)};
      try { openStateDirectory("/proc/nowhere/deep"); } catch (error) { console.log(error.code); }`;
    const ended = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect(ended.stdout).toBe("state-directory-unsafe\n");
  });

  it.runIf(process.getuid?.() === 0)("is refused where nothing can be written", () => {
    const path = join(parent, "read-only");
    mkdirSync(path, { mode: 0o700 });
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro,mode=0700", "jarvis-test", path]);
    try {
      expect(() => openStateDirectory(path)).toThrow(
        /cannot be written \(EROFS\): make it writable or choose another with --state-dir\.$/,
      );
    } finally {
      execFileSync("umount", [path]);
    }
  });

  it("cannot be a file", () => {
    const path = join(parent, "link");
    symlinkSync("/etc/hostname", path);
    expect(() => openStateDirectory(path)).toThrow(DatabaseError);
  });
});

describe("the lock of a state directory", () => {
  it("is refused to a second process's holder by name, and free again after kill -9", async () => {
    const directory = openStateDirectory(join(parent, ".jarvis"));
    const holder = await holdInAnotherProcess(directory);
    const second = (): unknown => lockStateDirectory(directory, { pid: process.pid, what: "test" });
    expect(second).toThrow(
      expect.objectContaining({
        code: "state-directory-locked",
        message: expect.stringMatching(
          new RegExp(`in use by the first kernel \\(pid ${holder.pid}, since 2.*Z\\)`),
        ),
      }),
    );
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(second).not.toThrow();
  });

  it("is refused twice within one process too, until it is released", () => {
    const directory = openStateDirectory(join(parent, ".jarvis"));
    const take = () => lockStateDirectory(directory, { pid: process.pid, what: "kernel" });
    const lock = take();
    expect(take).toThrow(/in use by kernel/);
    lock.release();
    lock.release();
    take().release();
  });

  it("is not kept by a child that outlives its holder", async () => {
    const directory = openStateDirectory(join(parent, ".jarvis"));
    const lock = lockStateDirectory(directory, { pid: process.pid, what: "kernel" });
    const child = spawn("sleep", ["30"], { stdio: "ignore" });
    lock.release();
    const next = lockStateDirectory(directory, { pid: process.pid, what: "next" });
    expect(next.holder.what).toBe("next");
    next.release();
    child.kill("SIGKILL");
    await once(child, "exit");
  });
});

// flock(1) around a sleep would be a second implementation; this is what a kernel does, by hand.
async function holdInAnotherProcess(directory: string) {
  const program = `
    const { openSync, writeSync } = require("node:fs");
    const { spawnSync } = require("node:child_process");
    const lock = openSync(${JSON.stringify(join(directory, "lock"))}, "a+");
    spawnSync("flock", ["-n", "-x", "3"], { stdio: ["ignore", "ignore", "ignore", lock] });
    writeSync(lock, JSON.stringify({ pid: process.pid, what: "the first kernel", since: new Date().toISOString() }));
    process.stdout.write("held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  await Promise.race([once(child.stdout, "data"), sleep(10_000)]);
  return child;
}
