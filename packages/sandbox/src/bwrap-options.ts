import path from "node:path";

import type { CheckedMount } from "./check-request.ts";
import { hostEtcPaths, insideHome, insideHostname, insideUserId } from "./etc-files.ts";
import type { RootDirectory } from "./host.ts";

export interface BwrapInput {
  rootDirectories: readonly RootDirectory[];
  /** Where Node is inside, and where bubblewrap finds its binary when it must be mounted. */
  node: { target: string; source: string | undefined };
  /** Their sources are paths that bubblewrap itself can reach. The workspace is the first. */
  mounts: readonly CheckedMount[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  tmpBytes: number;
  /** Name of each file for /etc, and the descriptor that holds its content. */
  etcDescriptors: ReadonlyMap<string, number>;
  seccompDescriptor: number;
  statusDescriptor: number;
}

const homeBytes = 64 * 1024 * 1024;
const sharedMemoryBytes = 64 * 1024 * 1024;

/** The options of bubblewrap, in the order in which it obeys them. */
export function bwrapOptions(input: BwrapInput): string[] {
  return [
    ...namespaces,
    ...systemTree(input),
    ...kernelTrees,
    ...etcTree(input.etcDescriptors),
    ...tmpfs("/tmp", input.tmpBytes, "1777"),
    ...tmpfs(insideHome, homeBytes, "0755"),
    ...input.mounts.flatMap(mountOptions),
    ...environmentOptions(input.node.target, input.env),
    "--chdir",
    input.cwd,
    // Everything above was made by bubblewrap in a tmpfs that has no size.
    "--remount-ro",
    "/",
    "--seccomp",
    String(input.seccompDescriptor),
    "--json-status-fd",
    String(input.statusDescriptor),
  ];
}

const namespaces: readonly string[] = [
  ["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"],
  ["--unshare-cgroup-try", "--disable-userns"],
  ["--uid", String(insideUserId), "--gid", String(insideUserId)],
  ["--hostname", insideHostname],
  ["--die-with-parent", "--new-session"],
  ["--cap-drop", "ALL", "--clearenv"],
].flat();

function systemTree({ rootDirectories, node }: BwrapInput): string[] {
  return [
    "--ro-bind",
    "/usr",
    "/usr",
    ...rootDirectories.flatMap(({ path: place, linkTo }) =>
      linkTo === undefined ? ["--ro-bind", place, place] : ["--symlink", linkTo, place],
    ),
    ...(node.source === undefined ? [] : ["--ro-bind", node.source, node.target]),
  ];
}

const kernelTrees: readonly string[] = [
  ["--proc", "/proc"],
  ["--dev", "/dev"],
  tmpfs("/dev/shm", sharedMemoryBytes, "1777"),
  // Without it /dev itself stays a writable tmpfs of any size.
  ["--remount-ro", "/dev"],
].flat();

function etcTree(descriptors: ReadonlyMap<string, number>): string[] {
  return [
    ...[...descriptors].flatMap(([name, descriptor]) => [
      "--perms",
      "0444",
      "--file",
      String(descriptor),
      `/etc/${name}`,
    ]),
    ...hostEtcPaths.flatMap((place) => ["--ro-bind-try", place, place]),
  ];
}

function mountOptions(mount: CheckedMount): string[] {
  if (mount.source === undefined) return tmpfs(mount.target, mount.sizeBytes ?? 0, "0755");
  return [mount.kind === "rw" ? "--bind" : "--ro-bind", mount.source, mount.target];
}

function tmpfs(target: string, sizeBytes: number, mode: string): string[] {
  return ["--perms", mode, "--size", String(sizeBytes), "--tmpfs", target];
}

function environmentOptions(node: string, wanted: Readonly<Record<string, string>>): string[] {
  const nodeDirectory = path.posix.dirname(node);
  const programs = ["/usr/local/bin", "/usr/bin", "/bin"];
  const env = {
    PATH: [nodeDirectory, ...programs.filter((place) => place !== nodeDirectory)].join(":"),
    HOME: insideHome,
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    CI: "1",
    ...wanted,
  };
  return Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]);
}
