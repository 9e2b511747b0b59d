import { describe, expect, it } from "vitest";

import { bwrapOptions, type BwrapInput } from "./bwrap-options.ts";
import { parseCanaryReport } from "./canary.ts";
import { descriptorTable } from "./descriptors.ts";
import { Ender } from "./ender.ts";
import { chooseLauncher } from "./host.ts";
import { launchCommand, type LaunchInput } from "./launch-command.ts";
import { defaultLimits, prlimitOptions, readCodeReservation, readHardLimits } from "./limits.ts";
import { isInside } from "./mount-points.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { identify, isAlive } from "./process-tree.ts";
import { StatusReader } from "./status.ts";
import { tailOf } from "./text.ts";
import { whatToDo, type MachineFacts } from "./unavailable.ts";

describe("the user that root becomes", () => {
  const nobody = "nobody:x:65534:65534::/:/bin/false";
  it.each([
    ["an ordinary user keeps theirs", 1000, "", "", undefined],
    ["no accounts in the way", 0, nobody, "nogroup:x:65534:", 60_977],
    ["its user id is taken", 0, "x:x:60977:5::/:/bin/sh", "", 60_978],
    ["its group id is taken", 0, "x:x:5:60977::/:/bin/sh", "", 60_978],
    ["a group of that number", 0, "", "x:x:60977:a,b", 60_978],
  ])("when %s", (_when, effectiveUserId, passwd, group, dropTo) => {
    expect(chooseLauncher(effectiveUserId, { passwd, group }).dropTo).toBe(dropTo);
  });

  it("is nobody's when all are taken", () => {
    const group = [60_977, 60_978, 60_979, 60_980].map((id) => `g:x:${id}:`).join("\n");
    expect(() => chooseLauncher(0, { passwd: "", group })).toThrow("60977, 60978, 60979, 60980");
  });
});

describe("the options of bubblewrap", () => {
  const input: BwrapInput = {
    rootDirectories: [
      { path: "/bin", linkTo: "usr/bin" },
      { path: "/lib64", linkTo: undefined },
    ],
    node: { target: "/opt/node/bin/node", source: "/sys/3" },
    mounts: [
      { kind: "ro", source: "/a b", target: "/ws", isDirectory: true, sizeBytes: undefined },
      { kind: "rw", source: "/o", target: "/out", isDirectory: true, sizeBytes: undefined },
      { kind: "tmpfs", source: undefined, target: "/ws/t", isDirectory: true, sizeBytes: 5 },
    ],
    env: { PATH: "/mine", EXTRA: "--share-net" },
    cwd: "/ws",
    tmpBytes: 77,
    etcDescriptors: new Map([["hosts", 9]]),
    seccompDescriptor: 5,
    statusDescriptor: 4,
  };
  const text = bwrapOptions(input).join(" ");

  it.each([
    "--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts",
    "--disable-userns",
    "--cap-drop ALL --clearenv",
    "--symlink usr/bin /bin --ro-bind /lib64 /lib64 --ro-bind /sys/3 /opt/node/bin/node",
    "--size 67108864 --tmpfs /dev/shm --remount-ro /dev",
    "--perms 0444 --file 9 /etc/hosts",
    "--perms 1777 --size 77 --tmpfs /tmp",
    "--ro-bind /a b /ws --bind /o /out --perms 0755 --size 5 --tmpfs /ws/t",
    "--setenv PATH /mine --setenv HOME /home/jarvis",
    "--setenv EXTRA --share-net --chdir /ws --remount-ro / --seccomp 5 --json-status-fd 4",
  ])("say %s", (part) => {
    expect(text).toContain(part);
  });

  it("give the network or a device from the host to nobody, and bind nothing else writable", () => {
    const options = bwrapOptions({ ...input, env: {} });
    for (const never of ["--share-net", "--dev-bind", "--cap-add", "--bind-try"]) {
      expect(options).not.toContain(never);
    }
    expect(options.filter((option) => option === "--bind")).toHaveLength(1);
  });
});

describe("the command line", () => {
  const input: LaunchInput = {
    drop: undefined,
    argsDescriptor: 3,
    prlimitOptions: ["--core=0"],
    argv: ["node", "-e", "$(x)"],
  };

  it("keeps the candidate's argv whole", () => {
    const command = launchCommand(input);
    expect(command.slice(-3)).toEqual(["node", "-e", "$(x)"]);
    expect(command.join(" ")).toContain("bwrap --args 3 -- prlimit --core=0 -- sh -c");
    expect(command).not.toContain("setpriv");
  });

  it("as root stages paths as arguments and gives all rights up", () => {
    const staged = [
      { source: "/a 'b", isDirectory: true },
      { source: "/f", isDirectory: false },
    ];
    const command = launchCommand({ ...input, drop: { userId: 60_977, staged } });
    const script = command.indexOf("-c");
    expect(command.slice(script + 2, script + 8)).toEqual(["sh", "d", "/a 'b", "f", "/f", "--"]);
    expect(command.join(" ")).toContain(
      "setpriv --reuid 60977 --regid 60977 --clear-groups --inh-caps=-all -- bwrap",
    );
    // No path is part of a script.
    expect(command[script + 1]).not.toContain("/a");
  });
});

describe("limits", () => {
  it("never ask for more than the host may still grant", () => {
    const unlimited = {
      cpuSeconds: undefined,
      fileBytes: undefined,
      dataBytes: undefined,
      processes: undefined,
      openFiles: undefined,
    };
    const limits = { ...defaultLimits, cpuSeconds: 9, processes: 50 };
    expect(prlimitOptions(limits, unlimited, 0)).toContain("--cpu=9:10");
    expect(prlimitOptions(limits, { ...unlimited, cpuSeconds: 9 }, 0)).toContain("--cpu=9:9");
    expect(prlimitOptions(limits, { ...unlimited, processes: 20 }, 0)).toContain("--nproc=20");
    expect(prlimitOptions(limits, { ...unlimited, openFiles: 99 }, 0)).toContain("--nofile=99");
  });

  it("leave out what Node 24 reserves for code, and nothing that a program may use", () => {
    const maps = [
      "0074a000-03044000 r-xp 0034a000 fe:00 2368098    /usr/bin/node",
      "7f3bdb000000-7f3bfad80000 rwxp 00000000 00:00 0 ",
      "7f3bfafc0000-7f3c02ff0000 ---p 00000000 00:00 0 ",
      "7f3c13800000-7f3c14000000 rw-p 00000000 00:00 0 ",
      "7f3c14000000-7f3c15000000 rwxp 00000000 fe:00 77    /tmp/library.so",
    ].join("\n");
    const codeBytes = readCodeReservation(maps);
    expect(codeBytes).toBe(512 * 2 ** 20);
    expect(readCodeReservation(maps.replaceAll("rwxp", "---p"))).toBe(0);
    const limits = { ...defaultLimits, memoryBytes: 2 ** 20 };
    const hard = { ...readHardLimits(""), dataBytes: undefined };
    expect(prlimitOptions(limits, hard, codeBytes)).toContain(`--data=${513 * 2 ** 20}`);
    const granted = { ...hard, dataBytes: 2 ** 20 };
    expect(prlimitOptions(limits, granted, codeBytes)).toContain(`--data=${2 ** 20}`);
  });

  it("are read from what the kernel prints", () => {
    const text = [
      "Limit                     Soft Limit           Hard Limit           Units     ",
      "Max cpu time              unlimited            unlimited            seconds   ",
      "Max open files            1024                 524288               files     ",
    ].join("\n");
    expect(readHardLimits(text)).toMatchObject({ cpuSeconds: undefined, openFiles: 524288 });
    expect(readHardLimits().openFiles).toBeGreaterThan(0);
  });
});

describe("the status of bubblewrap", () => {
  it.each([
    ["both", ['{ "child-pid": 12 }\n{ "exit', '-code": 7 }\n'], 12, 7],
    ["no exit", ['{ "child-pid": 12 }\n'], 12, undefined],
    ["an unfinished line", ['{ "exit-code": 0 }'], undefined, undefined],
    ["nonsense", ["no\n[]\nnull\n3\n"], undefined, undefined],
    ["a wrong type", ['{ "exit-code": "0" }\n'], undefined, undefined],
    ["two exits", ['{ "exit-code": 3 }\n{ "exit-code": 0 }\n'], undefined, 3],
  ])("with %s", (_what, chunks, initPid, exitStatus) => {
    const reader = new StatusReader();
    for (const chunk of chunks) reader.push(chunk);
    expect(reader.status).toEqual({ initPid, exitStatus });
  });
});

describe("small parts", () => {
  it("keep the first reason, also when it came before anyone listened", () => {
    const ender = new Ender();
    ender.end("memory");
    ender.end("aborted");
    let acted = 0;
    ender.onEnd(() => acted++);
    ender.end("wall-timeout");
    expect([ender.reason, acted]).toEqual(["memory", 1]);
  });

  it("cover inherited descriptors that are not ours", () => {
    expect(descriptorTable(["pipe", "pipe", "pipe", "pipe"], [3, 6], 99)).toEqual([
      "pipe",
      "pipe",
      "pipe",
      "pipe",
      "ignore",
      "ignore",
      99,
    ]);
  });

  it("count output bytes over both streams", () => {
    let overflows = 0;
    const output = new OutputBuffer(5, () => overflows++);
    output.push("stdout", Buffer.from("abc"));
    output.push("stderr", Buffer.from("defg"));
    output.push("stdout", Buffer.from("h"));
    expect([output.text("stdout"), output.text("stderr"), overflows]).toEqual(["abc", "de", 2]);
  });

  it("tell a process from its successor", () => {
    const self = identify(process.pid);
    expect(self !== undefined && isAlive(self)).toBe(true);
    expect(isAlive({ pid: process.pid, startTime: "1" })).toBe(false);
    expect(identify(2 ** 30)).toBeUndefined();
  });

  it("make hostile text fit for a line", () => {
    expect(tailOf("a\u001B[31m\n\tb\u202Ec\0", 100)).toBe("a [31m b c");
    expect(tailOf("0123456789", 4)).toBe("…6789");
  });

  it("know what is inside of what", () => {
    expect([isInside("/a/b", "/a"), isInside("/a", "/a"), isInside("/ab", "/a")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(isInside("/a", "/")).toBe(true);
  });

  it.each(["", "[]", "{}", '{"broken":[1]}', "null", '{"broken":[]} and more'])(
    "do not take %j for a canary's report",
    (text) => {
      expect(parseCanaryReport(text)).toBeUndefined();
    },
  );

  it.each<[keyof MachineFacts, string]>([
    ["noUserNamespaces", "user.max_user_namespaces=15000"],
    ["usernsCloneOff", "kernel.unprivileged_userns_clone=1"],
    ["inContainer", "--security-opt seccomp=unconfined"],
    ["appArmorRestrictsUserns", "kernel.apparmor_restrict_unprivileged_userns=0"],
  ])("know what to do about %s", (fact, command) => {
    const none: MachineFacts = {
      appArmorRestrictsUserns: false,
      usernsCloneOff: false,
      noUserNamespaces: false,
      inContainer: false,
    };
    expect(whatToDo({ ...none, [fact]: true })).toContain(command);
    expect(whatToDo(none)).toContain("bwrap --unshare-all");
  });
});
