import { performance } from "node:perf_hooks";

import { bwrapOptions } from "./bwrap-options.ts";
import { checkRequest, type CheckedMount, type CheckedRequest } from "./check-request.ts";
import type { Ender } from "./ender.ts";
import { etcFiles } from "./etc-files.ts";
import { handOver, letIn } from "./hand-over.ts";
import { nodeBinary, rootDirectories, type Launcher, type NodeBinary } from "./host.ts";
import { launchCommand, stagedPath, type Staged } from "./launch-command.ts";
import { prlimitOptions, readHardLimits } from "./limits.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import {
  argsDescriptor,
  firstFileDescriptor,
  seccompDescriptor,
  statusDescriptor,
} from "./start-process.ts";
import { supervise, type Ended, type Supervised } from "./supervise.ts";
import type { Architecture } from "./syscalls.ts";
import { reasonOf, tailOf } from "./text.ts";
import type { SandboxEnding, SandboxRequest, SandboxResult } from "./types.ts";

/** What was found out about this machine before anything is run on it. */
export interface Machine {
  launcher: Launcher;
  architecture: Architecture;
  /** Of bubblewrap. */
  version: string;
}

/** Runs a request on a machine that is able to, until it ends or `ender` says so. Never rejects. */
export async function runOnMachine(
  machine: Machine,
  request: SandboxRequest,
  ender: Ender,
): Promise<SandboxResult> {
  const startedAt = performance.now();
  const abort = (): void => ender.end("aborted");
  request.signal?.addEventListener("abort", abort, { once: true });
  if (request.signal?.aborted === true) abort();
  let ended: Ended | undefined;
  let ending: SandboxEnding;
  try {
    const supervised = await prepare(machine, checkRequest(request));
    if (ender.reason === undefined) ended = await supervise(supervised, ender);
    ending = judge(ended, ender);
  } catch (error) {
    ending = { outcome: "sandbox-error", message: reasonOf(error) };
  } finally {
    request.signal?.removeEventListener("abort", abort);
  }
  return {
    ...ending,
    stdout: ended?.stdout ?? "",
    stderr: ended?.stderr ?? "",
    truncated: ended?.truncated ?? false,
    durationMs: performance.now() - startedAt,
    tier: machine.launcher.tier,
    version: machine.version,
    peakMemoryBytes: ended?.peakMemoryBytes ?? 0,
  };
}

/** Everything that one run needs. Touches nothing but ownership of what is mounted. */
async function prepare(
  { launcher, architecture }: Machine,
  request: CheckedRequest,
): Promise<Supervised> {
  const sourcesOf = (wanted: "ro" | "rw"): string[] =>
    request.mounts.flatMap(({ kind, source }) =>
      kind === wanted && source !== undefined ? [source] : [],
    );
  const writable = sourcesOf("rw");
  for (const directory of writable) await handOver(directory, launcher.dropTo);
  if (launcher.dropTo !== undefined) {
    for (const source of sourcesOf("ro")) letIn(source, launcher.dropTo);
  }

  const etcDescriptors = new Map(
    Object.keys(etcFiles).map((name, index) => [name, firstFileDescriptor + index]),
  );
  const { staged, mounts, node } = stage(request.mounts, nodeBinary(), launcher);
  const options = bwrapOptions({
    rootDirectories: rootDirectories(),
    node,
    mounts,
    env: request.env,
    cwd: request.cwd,
    tmpBytes: request.limits.tmpBytes,
    etcDescriptors,
    seccompDescriptor,
    statusDescriptor,
  });
  const [program = "", ...programArguments] = request.argv;
  return {
    argv: launchCommand({
      drop: launcher.dropTo === undefined ? undefined : { userId: launcher.dropTo, staged },
      argsDescriptor,
      prlimitOptions: prlimitOptions(request.limits, readHardLimits()),
      argv: [program === "node" ? node.target : program, ...programArguments],
    }),
    stdin: request.stdin,
    feeds: new Map<number, string | Buffer>([
      // Through a descriptor and not the command line, which the sandbox can read at /proc/1/cmdline.
      [argsDescriptor, options.map((option) => `${option}\0`).join("")],
      [seccompDescriptor, seccompFilter(architecture)],
      ...Object.entries(etcFiles).map(
        ([name, content]) => [etcDescriptors.get(name) ?? -1, content] as const,
      ),
    ]),
    limits: request.limits,
    writable,
  };
}

/** As root, every source is replaced by the place it is staged at. */
function stage(
  mounts: readonly CheckedMount[],
  node: NodeBinary,
  { dropTo }: Launcher,
): { staged: Staged[]; mounts: readonly CheckedMount[]; node: NodeBinary } {
  const staged: Staged[] = [];
  if (dropTo === undefined) return { staged, mounts, node };
  const reachable = (source: string, isDirectory: boolean): string =>
    stagedPath(staged.push({ source, isDirectory }) - 1);
  return {
    staged,
    mounts: mounts.map((mount) =>
      mount.source === undefined
        ? mount
        : { ...mount, source: reachable(mount.source, mount.isDirectory) },
    ),
    node: {
      ...node,
      source: node.source === undefined ? undefined : reachable(node.source, false),
    },
  };
}

/** How it ended, in the order of what is known best. */
function judge(ended: Ended | undefined, { reason }: Ender): SandboxEnding {
  if (ended?.gone === false) {
    return {
      outcome: "sandbox-error",
      message: `A process of the sandbox could not be ended${reason === undefined ? "" : ` (${reason})`}.`,
    };
  }
  if (reason !== undefined) return { outcome: "killed", reason };
  const complaint = tailOf(ended?.setupText ?? "", 400);
  // Who sets up is silent when all is well: after a complaint, a status may not be the candidate's.
  if (ended?.exitStatus === undefined || !ended.began || complaint !== "") {
    return {
      outcome: "sandbox-error",
      message:
        complaint === ""
          ? "bubblewrap ended without an exit status."
          : `The sandbox could not be set up: ${complaint}`,
    };
  }
  // 64 is the highest signal.
  return ended.exitStatus > 128 && ended.exitStatus <= 128 + 64
    ? { outcome: "signaled", signal: ended.exitStatus - 128 }
    : { outcome: "exited", exitCode: ended.exitStatus };
}
