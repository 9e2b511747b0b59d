import { execFileSync } from "node:child_process";

import { describe, expect, it } from "vitest";

import { runInSandbox } from "./sandbox.ts";
import { allow, errno, killProcess, refuse, seccompFilter } from "./seccomp-filter.ts";
import {
  auditArchitectures,
  deniedSyscalls,
  inspectedSyscalls,
  type Architecture,
} from "./syscalls.ts";
import { runFilter } from "./testing/bpf-machine.ts";
import { otherArchitectureProgram, systemCallProgram } from "./testing/tiny-program.ts";
import { makeWorld } from "./testing/world.ts";

const EPERM = refuse(errno.EPERM);
const noFamily = refuse(errno.EAFNOSUPPORT);
const badDescriptor = 9;
const newUser = 0x10000000n;
const sigchld = 17n;

/** Each argument list, and what the filter answers to it. */
const inspected: [keyof typeof inspectedSyscalls, string, bigint[], number][] = [
  ["clone", "a thread", [0x3d0f00n], allow],
  ["clone", "a child", [sigchld], allow],
  ["clone", "a new user namespace", [newUser | sigchld], EPERM],
  ["clone", "a new network namespace", [0x40000000n], EPERM],
  ["clone", "a new mount namespace", [0x20000n], EPERM],
  ["clone3", "anything", [], refuse(errno.ENOSYS)],
  ["ioctl", "a window size", [0n, 0x5413n], allow],
  ["ioctl", "typing into a terminal", [0n, 0x5412n], EPERM],
  ["ioctl", "typing, with bits that the kernel drops", [0n, 0xff_0000_5412n], EPERM],
  ["ioctl", "the console's selection", [0n, 0x541cn], EPERM],
  ["socket", "unix", [1n, 1n], allow],
  ["socket", "IPv4", [2n, 1n], allow],
  ["socket", "IPv6", [10n, 1n], allow],
  ["socket", "netlink route", [16n, 3n, 0n], allow],
  ["socket", "netlink netfilter", [16n, 3n, 12n], noFamily],
  ["socket", "vsock", [40n, 1n], noFamily],
  ["socket", "packet", [17n, 3n], noFamily],
  ["socket", "kernel crypto", [38n, 5n], noFamily],
  ["socketpair", "unix", [1n, 1n], allow],
  ["socketpair", "another", [30n, 1n], noFamily],
  ["setsockopt", "addresses that are used again", [3n, 1n, 2n], allow],
  ["setsockopt", "an option of TCP of the same number", [3n, 6n, 7n], allow],
  ["setsockopt", "a larger send buffer", [3n, 1n, 7n], refuse(0)],
  ["setsockopt", "the same, with bits that the kernel drops", [3n, 0xff_0000_0001n, 7n], refuse(0)],
  ["shmget", "PostgreSQL's lock", [2n, 56n], allow],
  ["shmget", "a page", [2n, 4096n], allow],
  ["shmget", "more than a page", [2n, 4097n], EPERM],
  ["shmget", "a size in the high word only", [2n, 0x1_0000_0000n], EPERM],
];

const architectures: Architecture[] = ["x64", "arm64"];

describe.each(architectures)("the filter for %s", (name) => {
  const program = seccompFilter(name);
  const architecture = auditArchitectures[name];

  it("refuses every call of the table that the architecture has", () => {
    for (const [call, numbers] of Object.entries(deniedSyscalls)) {
      const number = numbers[name];
      if (number === undefined) continue;
      expect([call, runFilter(program, { architecture, number })]).toEqual([call, EPERM]);
    }
  });

  it.each(inspected)("looks at the arguments: %s for %s", (call, _what, args, answer) => {
    const number = inspectedSyscalls[call][name];
    expect(runFilter(program, { architecture, number, args })).toBe(answer);
  });

  it("lets other calls pass", () => {
    const listed = new Set<number | undefined>(
      [...Object.values(deniedSyscalls), ...Object.values(inspectedSyscalls)].map(
        (numbers) => numbers[name],
      ),
    );
    for (let number = 0; number < 480; number++) {
      if (listed.has(number)) continue;
      expect([number, runFilter(program, { architecture, number })]).toEqual([number, allow]);
    }
  });

  it("kills calls of another architecture and does not know x32", () => {
    const i386 = 0x40000003;
    expect(runFilter(program, { architecture: i386, number: 20 })).toBe(killProcess);
    expect(runFilter(program, { architecture, number: 0x40000000 + 1 })).toBe(refuse(errno.ENOSYS));
  });
});

describe.runIf(process.arch === "x64")("the filter in the kernel", () => {
  it("refuses each denied call and answers the inspected ones by their arguments", async () => {
    const world = makeWorld();
    const expected: Record<string, number> = {};
    const add = (name: string, number: number, args: bigint[], answer: number): void => {
      world.write(`calls/${name}`, systemCallProgram(number, args), 0o755);
      expected[name] = answer;
    };
    for (const [name, { x64 }] of Object.entries(deniedSyscalls)) add(name, x64, [], errno.EPERM);
    add("getpid", 39, [], 0);
    add("clone-child", 56, [sigchld], 0);
    add("clone-user-namespace", 56, [newUser | sigchld], errno.EPERM);
    add("clone3", 435, [], errno.ENOSYS);
    add("socket-unix", 41, [1n, 1n], 0);
    add("socket-vsock", 41, [40n, 1n], errno.EAFNOSUPPORT);
    add("setsockopt-nothing", 54, [99n, 1n, 2n], badDescriptor);
    add("setsockopt-send-buffer", 54, [99n, 1n, 7n], 0);
    add("shmget-lock", 29, [0n, 56n, 0o1600n], 0);
    add("shmget-large", 29, [0n, 1n << 20n, 0o1600n], errno.EPERM);
    world.write("calls/other-architecture", otherArchitectureProgram(), 0o755);
    expected["other-architecture"] = 128 + 31; // SIGSYS

    const { stdout } = await runInSandbox({
      argv: ["sh", "-c", 'for f in *; do "./$f"; echo "$f $?"; done'],
      workspace: world.workspace,
      cwd: "/ws/calls",
    });
    const seen = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" "));
    expect(Object.fromEntries(seen.map(([name, code]) => [name, Number(code)]))).toEqual(expected);
  });

  it("agrees with the machine's headers on the numbers, where it has them", () => {
    const header = readHeader();
    const table = Object.entries({ ...deniedSyscalls, ...inspectedSyscalls });
    const numberOf = (name: string): string | undefined =>
      new RegExp(`^#define __NR_${name} (\\d+)$`, "m").exec(header)?.[1];
    const wrong = table.filter(
      ([name, { x64 }]) => ![undefined, `${x64}`].includes(numberOf(name)),
    );
    expect(wrong).toEqual([]);
  });
});

function readHeader(): string {
  try {
    return execFileSync("cat", ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return "";
  }
}
