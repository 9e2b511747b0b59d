import { lstatSync, realpathSync, statSync } from "node:fs";
import path from "node:path";

import { SandboxError } from "./errors.ts";
import { effectiveLimits, lastingLimits, type CheckedLimits } from "./limits.ts";
import { checkMountPoint, isInside, type Mounted } from "./mount-points.ts";
import type { StdinSource } from "./start-process.ts";
import type { SandboxMount, SandboxProgram, SandboxRequest, SandboxStartRequest } from "./types.ts";

/** A request whose paths are real, whose mounts end where they say, and whose strings are safe. */
export interface CheckedRequest {
  argv: readonly string[];
  cwd: string;
  /** The workspace first. Sources are resolved. */
  mounts: readonly CheckedMount[];
  env: Readonly<Record<string, string>>;
  stdin: StdinSource;
  limits: CheckedLimits;
}

export interface CheckedMount extends Mounted {
  /** Of a tmpfs. */
  sizeBytes: number | undefined;
}

/** Throws SandboxError for a request that is wrong, or that would not isolate what it promises to. */
export function checkRequest(request: SandboxRequest): CheckedRequest {
  const { stdin } = request;
  return {
    ...checkProgram(request),
    stdin: stdin === undefined ? { kind: "nothing" } : { kind: "text", text: stdin },
    limits: effectiveLimits(request.limits),
  };
}

/** The same for a program that runs until it is ended. */
export function checkStartRequest(request: SandboxStartRequest): CheckedRequest {
  return {
    ...checkProgram(request),
    stdin: { kind: "open" },
    limits: lastingLimits(request.limits),
  };
}

function checkProgram(request: SandboxProgram): Omit<CheckedRequest, "stdin" | "limits"> {
  const [program] = request.argv;
  // What runs it could read a dash as an option.
  if (program === undefined || program === "" || program.startsWith("-")) {
    throw invalid(`argv[0] must name a program, got ${JSON.stringify(program)}`);
  }
  request.argv.forEach((argument, index) => refuseNul(`argv[${index}]`, argument));

  const env = request.env ?? {};
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw invalid(`${JSON.stringify(name)} is not a name for an environment variable`);
    }
    refuseNul(`The variable ${name}`, value);
  }

  const cwd = request.cwd ?? "/ws";
  refuseNul("cwd", cwd);
  if (!cwd.startsWith("/")) throw invalid(`cwd must be absolute, got ${JSON.stringify(cwd)}`);

  return {
    argv: request.argv,
    cwd,
    mounts: checkMounts(request.workspace, request.mounts ?? []),
    env,
  };
}

function checkMounts(workspace: string, mounts: readonly SandboxMount[]): CheckedMount[] {
  const checked: CheckedMount[] = [resolve({ kind: "ro", source: workspace, target: "/ws" })];
  const tree = checked[0]?.source ?? workspace;
  if (!statSync(tree).isDirectory()) throw invalid(`The workspace ${tree} is not a directory`);
  // History, hooks and stored credentials: no candidate needs them, and git runs what it finds there.
  if (lstatSync(path.join(tree, ".git"), { throwIfNoEntry: false }) !== undefined) {
    throw invalid(`The workspace ${tree} holds a .git; export the tree without it`);
  }
  for (const mount of mounts) {
    const next = resolve(mount);
    checkMountPoint(next, checked);
    checked.push(next);
  }
  refuseOverlap(checked);
  return checked;
}

function resolve(mount: SandboxMount): CheckedMount {
  refuseNul("A mount's target", mount.target);
  if (mount.kind === "tmpfs") {
    const { kind, target, sizeBytes } = mount;
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) {
      throw invalid(`The tmpfs at ${target} needs a size in bytes, got ${sizeBytes}`);
    }
    return { kind, source: undefined, target, isDirectory: true, sizeBytes };
  }
  refuseNul("A mount's source", mount.source);
  if (!path.isAbsolute(mount.source)) {
    throw invalid(`A mount's source must be absolute, got ${JSON.stringify(mount.source)}`);
  }
  const source = realpathSync(mount.source);
  const stats = statSync(source);
  if (!stats.isDirectory() && (mount.kind === "rw" || !stats.isFile())) {
    throw invalid(
      `${source} is not a directory${mount.kind === "ro" ? " or a regular file" : ""}, so it cannot be mounted at ${mount.target}`,
    );
  }
  const isDirectory = stats.isDirectory();
  return { kind: mount.kind, source, target: mount.target, isDirectory, sizeBytes: undefined };
}

/** What is read-only at one place must not be writable through another. */
function refuseOverlap(mounts: readonly CheckedMount[]): void {
  for (const { kind, source: writable } of mounts) {
    if (kind !== "rw" || writable === undefined) continue;
    for (const { kind: otherKind, source } of mounts) {
      if (otherKind !== "ro" || source === undefined) continue;
      if (isInside(writable, source) || isInside(source, writable)) {
        throw invalid(
          `${writable} would be writable and ${source} read-only, but one holds the other`,
        );
      }
    }
  }
}

/** Options reach bubblewrap separated by NUL: one inside a value would begin an option of its own. */
function refuseNul(what: string, value: string): void {
  if (value.includes("\0")) throw invalid(`${what} holds a NUL character`);
}

function invalid(sentence: string): SandboxError {
  return new SandboxError("invalid-request", `${sentence}.`);
}
