import { spawn } from "node:child_process";
import { messageOf } from "@jarvis/db";
import { SelfExtensionError } from "../errors.ts";
import { endGroupAfter } from "../process-group.ts";

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface GitOptions {
  readonly gitDir: string;
  readonly input?: string | Buffer;
  /** Added to a closed environment: nothing of the caller's environment reaches git. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are an answer; any other is thrown. Default: 0 only. */
  readonly accept?: readonly number[];
  readonly timeoutMs?: number;
  /** The most that git may map, for a call whose size a proposal decides; it dies where it wants more. */
  readonly memoryBytes?: number;
}

/**
 * Settings every call gets, whatever a repository's own configuration says: no hooks, no filters
 * from outside, no signing, names that only other file systems find dangerous are refused too.
 */
const FIXED_CONFIG: readonly (readonly [string, string])[] = [
  ["core.hooksPath", "/dev/null"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.protectHFS", "true"],
  ["core.protectNTFS", "true"],
  ["core.fsmonitor", "false"],
  ["core.quotePath", "false"],
  ["commit.gpgSign", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["safe.directory", "*"],
  ["init.defaultBranch", "main"],
  ["transfer.fsckObjects", "true"],
];

/** The environment of every git process: system and user configuration off, no prompts. */
export function gitEnvironment(extraConfig: readonly (readonly [string, string])[] = []) {
  const config = [...FIXED_CONFIG, ...extraConfig];
  const env: Record<string, string> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_PROTOCOL_FROM_USER: "0",
    GIT_CONFIG_COUNT: String(config.length),
  };
  for (const [index, [key, value]] of config.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}

// A limit that is lower already stays as it is.
const LIMITED = 'ulimit -v "$0" 2>/dev/null; exec git "$@"';

/**
 * Runs git on a bare repository of ours. Throws `git-failed` with git's own last words when the
 * exit code is not accepted. `timeoutMs` (default 2 minutes) ends a call that hangs.
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  const { gitDir, input, accept = [0], timeoutMs = 120_000, memoryBytes } = options;
  const result = await new Promise<GitResult>((resolve, reject) => {
    const argv = [`--git-dir=${gitDir}`, ...args];
    const [program, given] =
      memoryBytes === undefined
        ? ["git", argv]
        : ["sh", ["-c", LIMITED, String(Math.ceil(memoryBytes / 1024)), ...argv]];
    const child = spawn(program, given, {
      env: options.env ?? gitEnvironment(),
      cwd: "/",
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    child.on("error", reject);
    // Without free descriptors it has no streams either; the event, a turn later, tells why.
    if (child.pid === undefined) return;
    const stopClock = endGroupAfter(child, timeoutMs);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // git may answer before it has read everything; that is its right and not an error of ours.
    child.stdin.on("error", () => undefined);
    child.on("close", (code) => {
      if (stopClock()) {
        const why = `git ${args[0] ?? ""} did not end within ${timeoutMs} ms and was killed`;
        reject(new SelfExtensionError("git-failed", why));
        return;
      }
      resolve({
        exitCode: code ?? -1,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString("utf8"),
      });
    });
    child.stdin.end(input ?? "");
  }).catch((error: unknown): never => {
    throw error instanceof SelfExtensionError ? error : notStarted(error);
  });
  if (!accept.includes(result.exitCode)) {
    const words = result.stderr.trim().split("\n").slice(-3).join(" ");
    throw new SelfExtensionError(
      "git-failed",
      `git ${args[0] ?? ""} ended with ${result.exitCode}: ${words}`,
    );
  }
  return result;
}

function notStarted(cause: unknown): SelfExtensionError {
  const why = `git could not be started; see that it is installed and that this machine has processes and descriptors left: ${messageOf(cause)}`;
  return new SelfExtensionError("git-failed", why, { cause });
}

/** The trimmed standard output of a git call. */
export async function gitText(args: readonly string[], options: GitOptions): Promise<string> {
  return (await runGit(args, options)).stdout.toString("utf8").trim();
}
