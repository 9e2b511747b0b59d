import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { runInSandbox } from "./sandbox.ts";
import { selfTest } from "./self-test.ts";
import { usePackageForNode } from "./testing/compiled.ts";
import { processesWith } from "./testing/processes.ts";
import { isRoot, makeWorld, type World } from "./testing/world.ts";

const compiled = usePackageForNode();

describe("a kernel that dies", () => {
  // Early ones hit the sandbox while it is being set up, the last one while the candidate runs.
  it.each([0, 3, 6, 9, 12, 15, 18, 21, 25, 30, 400])(
    "by SIGKILL %d ms after the start takes its sandbox with it",
    async (delayMs) => {
      const world = makeWorld();
      const marker = `marker-${process.pid}-${Date.now()}-kill-${delayMs}`;
      const request = {
        argv: ["node", "outlive.mjs", "stay", marker],
        workspace: world.workspace,
        mounts: [{ kind: "rw", source: world.out, target: "/out" }],
      };
      const kernel = spawn(process.execPath, [
        "--input-type=module",
        "-e",
        `const { runInSandbox, checkSandbox } = await import(${JSON.stringify(compiled.importUrl())});
         await checkSandbox();
         process.stdout.write("ready");
         await runInSandbox(${JSON.stringify(request)});`,
      ]);
      await once(kernel.stdout, "data");
      if (delayMs > 300) await heartbeatOf(world);
      else await sleep(delayMs);
      kernel.kill("SIGKILL");
      await once(kernel, "exit");

      await sleep(200);
      expect(processesWith(marker)).toEqual([]);
      await expectSilence(world);
    },
  );
});

describe("descriptors that the kernel inherited", () => {
  it("are not the candidate's", async () => {
    const world = makeWorld();
    const secret = path.join(world.root, "secret");
    writeFileSync(secret, "a secret");
    const leak = openSync(secret, "r");
    const request = {
      argv: [
        "sh",
        "-c",
        "for fd in /proc/self/fd/*; do readlink $fd; done; cat <&9; cat <&20; echo; cat /proc/1/environ",
      ],
      workspace: world.workspace,
    };
    const program = `
      const fs = await import("node:fs");
      const { runInSandbox } = await import(${JSON.stringify(compiled.importUrl())});
      const own = [9, 20].map((fd) => fs.readlinkSync("/proc/self/fd/" + fd));
      const result = await runInSandbox(${JSON.stringify(request)});
      process.stdout.write(JSON.stringify({ own, result }));`;
    const stdio: ("ignore" | "pipe" | "inherit" | number)[] = ["ignore", "pipe", "inherit"];
    while (stdio.length < 20) stdio.push(stdio.length === 9 ? leak : "ignore");
    stdio.push(leak);
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      stdio,
      env: { SECRET_TOKEN: "a secret" },
      encoding: "utf8",
    });
    closeSync(leak);

    const { own, result } = JSON.parse(stdout) as {
      own: string[];
      result: { outcome: string; stdout: string };
    };
    expect(own).toEqual([secret, secret]);
    expect(result.outcome).toBe("exited");
    expect(result.stdout).not.toContain("secret");
    const open = result.stdout.split("\n").filter((line) => line.startsWith("/dev/null"));
    expect(open.length).toBeGreaterThanOrEqual(2);
  });
});

describe("a machine that cannot make a sandbox", () => {
  it.each([
    ["another system", { platform: "darwin" }, "The sandbox needs Linux and this is darwin"],
    ["another processor", { arch: "riscv64" }, "no system call filter for riscv64"],
    ["no bubblewrap", { programPath: "/nonexistent" }, "apt-get install bubblewrap"],
  ])("says what to do about %s", async (_what, change, sentence) => {
    const here = { platform: process.platform, arch: process.arch, programPath: "/usr/bin" };
    const test = await selfTest({ ...here, ...change });
    expect(test).toMatchObject({ works: false, message: expect.stringContaining(sentence) });
  });

  it("refuses an old bubblewrap", async () => {
    const world = makeWorld();
    world.write("bwrap", "#!/bin/sh\necho bubblewrap 0.6.2\n", 0o755);
    const test = await selfTest({
      platform: "linux",
      arch: process.arch,
      programPath: world.workspace,
    });
    expect(test).toMatchObject({ works: false, message: expect.stringContaining("too old") });
  });

  it("refuses to run anything where user namespaces are denied, and names the switch", () => {
    const world = makeWorld();
    const program = `
      const { checkSandbox, runInSandbox } = await import(${JSON.stringify(compiled.importUrl())});
      const answers = [await checkSandbox(), await runInSandbox({ argv: ["true"], workspace: ${JSON.stringify(world.workspace)} })];
      process.stdout.write(JSON.stringify(answers));`;
    // A namespace in which no further one may be made, with its root as our own user.
    const denied = spawnSync(
      "unshare",
      [
        ["--user", "--map-root-user", "sh", "-c"],
        ['echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'],
        ["sh", process.execPath, "--input-type=module", "-e", program],
      ].flat(),
      { encoding: "utf8" },
    );
    const [availability, result] = JSON.parse(denied.stdout) as [unknown, unknown];
    const message = expect.stringContaining("sysctl -w user.max_user_namespaces=15000");
    expect(availability).toMatchObject({
      available: false,
      reason: "sandbox-unavailable",
      message,
    });
    expect(result).toMatchObject({ outcome: "sandbox-error", message, version: "unknown" });
  });
});

describe("the user that runs the sandbox", () => {
  it("is never root to the kernel, and nobody with an account", async () => {
    const world = makeWorld();
    await runInSandbox({
      argv: ["touch", "/out/made"],
      workspace: world.workspace,
      mounts: [{ kind: "rw", source: world.out, target: "/out" }],
    });
    const { uid } = statSync(path.join(world.out, "made"));
    expect(uid).toBe(isRoot ? 60_977 : process.getuid?.());
    // Root's stand-in has no account; an ordinary user stays who they are.
    const hasAccount = spawnSync("getent", ["passwd", String(uid)]).status === 0;
    expect(hasAccount).toBe(!isRoot);
  });
});

async function heartbeatOf({ out }: World): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!existsSync(path.join(out, "heartbeat"))) {
    if (Date.now() > deadline) throw new Error("The sandbox did not start.");
    await sleep(10);
  }
}

async function expectSilence({ out }: World): Promise<void> {
  const size = (): number =>
    statSync(path.join(out, "heartbeat"), { throwIfNoEntry: false })?.size ?? 0;
  const before = size();
  await sleep(100);
  expect(size()).toBe(before);
}
