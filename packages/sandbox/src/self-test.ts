import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { canaryProgram, parseCanaryReport } from "./canary.ts";
import { Ender } from "./ender.ts";
import { chooseLauncher, programPath } from "./host.ts";
import type { Machine } from "./prepare.ts";
import { runOnMachine } from "./run.ts";
import { isSupportedArchitecture } from "./syscalls.ts";
import { reasonOf, tailOf } from "./text.ts";
import type { SandboxRequest } from "./types.ts";
import { readMachineFacts, whatToDo } from "./unavailable.ts";

export type SelfTest =
  | { works: true; machine: Machine }
  /** One sentence that says what to do. */
  | { works: false; message: string };

export interface Platform {
  platform: string;
  arch: string;
  /** Where programs of the host are looked for. */
  programPath: string;
}

// --disable-userns and --size appeared in 0.8.
const oldestVersion = [0, 8] as const;
const testWithinMs = 20_000;

/**
 * Finds out whether this machine can make a sandbox, by making one: a program in it tries what must
 * be impossible and what must work. Anything but a perfect answer is a no.
 */
export async function selfTest(
  on: Platform = { platform: process.platform, arch: process.arch, programPath },
): Promise<SelfTest> {
  if (on.platform !== "linux") {
    return no(`The sandbox needs Linux and this is ${on.platform}; run Jarvis on a Linux machine.`);
  }
  if (!isSupportedArchitecture(on.arch)) {
    return no(`The sandbox has no system call filter for ${on.arch}; use x86-64 or arm64.`);
  }
  const version = await bubblewrapVersion(on.programPath);
  if (version === undefined) {
    return no("bubblewrap is missing; install it with `apt-get install bubblewrap`.");
  }
  if (!isRecent(version)) {
    return no(
      `bubblewrap ${version} is too old; install ${oldestVersion.join(".")} or newer (Debian 12, Ubuntu 24.04).`,
    );
  }
  try {
    const launcher = chooseLauncher(process.geteuid?.());
    return await tryMachine({ launcher, architecture: on.arch, version });
  } catch (error) {
    return no(
      `The sandbox's self-test failed (${reasonOf(error)}); ${whatToDo(readMachineFacts())}`,
    );
  }
}

async function tryMachine(machine: Machine): Promise<SelfTest> {
  const world = await mkdtemp(path.join(os.tmpdir(), "jarvis-"));
  const server = net.createServer((socket) => socket.destroy());
  try {
    const [workspace, out, secret] = [
      path.join(world, "ws"),
      path.join(world, "out"),
      path.join(world, "host-file"),
    ];
    // Readable by everyone: only the sandbox keeps it from the canary.
    await chmod(world, 0o755);
    await Promise.all([mkdir(workspace), mkdir(out), writeFile(secret, "x", { mode: 0o644 })]);
    const port = await listen(server);

    const canary: SandboxRequest = {
      argv: ["node", "-e", canaryProgram, String(port), secret],
      workspace,
      mounts: [{ kind: "rw", source: out, target: "/out" }],
      limits: { wallMs: testWithinMs },
    };
    const result = await runOnMachine(machine, canary, new Ender());
    if (result.outcome === "sandbox-error") {
      return no(`${whatToDo(readMachineFacts())} (${result.message})`);
    }
    const report = parseCanaryReport(result.stdout);
    if (result.outcome !== "exited" || result.exitCode !== 0 || report === undefined) {
      const output = tailOf(result.stderr, 200);
      return no(
        `Node does not run in the sandbox (${result.outcome}${output === "" ? "" : `: ${output}`}); use Node's official build or a distribution's package.`,
      );
    }
    const broken = [...report.broken];
    // A file that the sandbox left behind must not belong to root, whoever started it.
    if ((await stat(path.join(out, "canary"))).uid === 0) broken.push("is-root");
    return broken.length === 0
      ? { works: true, machine }
      : no(
          `The sandbox does not hold on this machine (${broken.join(", ")}); do not run candidates here and report it.`,
        );
  } finally {
    server.close();
    await rm(world, { recursive: true, force: true });
  }
}

async function bubblewrapVersion(searched: string): Promise<string | undefined> {
  try {
    const options = { env: { PATH: searched }, timeout: testWithinMs };
    const { stdout } = await promisify(execFile)("bwrap", ["--version"], options);
    return /^bubblewrap (\d+\.\d+[\w.-]*)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = oldestVersion;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

function listen(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function no(message: string): SelfTest {
  return { works: false, message };
}
