import { bwrapOptions } from "./bwrap-options.ts";
import type { CheckedMount, CheckedRequest } from "./check-request.ts";
import { etcFiles } from "./etc-files.ts";
import { handOver, letIn } from "./hand-over.ts";
import { nodeBinary, rootDirectories, type Launcher, type NodeBinary } from "./host.ts";
import { launchCommand, stagedPath, type Staged } from "./launch-command.ts";
import { prlimitOptions, readCodeReservation, readHardLimits } from "./limits.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import {
  argsDescriptor,
  firstFileDescriptor,
  seccompDescriptor,
  statusDescriptor,
} from "./start-process.ts";
import type { Supervised } from "./supervise.ts";
import type { Architecture } from "./syscalls.ts";

/** What was found out about this machine before anything is run on it. */
export interface Machine {
  launcher: Launcher;
  architecture: Architecture;
  /** Of bubblewrap. */
  version: string;
}

/** Everything that one run needs. Touches nothing but ownership of what is mounted. */
export async function prepare(
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
      prlimitOptions: prlimitOptions(request.limits, readHardLimits(), readCodeReservation()),
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
