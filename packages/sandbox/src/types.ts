/**
 * The contract of the sandbox. A caller never needs to know whether it runs as root or as an
 * ordinary user: ownership, staging of paths and the choice of a user happen behind it.
 */

export interface SandboxLimits {
  /** Wall time from the start of the sandbox to its end. */
  wallMs: number;
  /** CPU time of each process (RLIMIT_CPU); SIGXCPU at the limit, SIGKILL one second later. */
  cpuSeconds: number;
  /** Private memory of each process (RLIMIT_DATA) and resident memory of the whole tree. */
  memoryBytes: number;
  /** Processes and threads alive at the same time. One Node process has about eleven threads. */
  processes: number;
  /** stdout and stderr together. */
  outputBytes: number;
  /** The largest file a process may write (RLIMIT_FSIZE). */
  fileBytes: number;
  /** What all rw mounts of the request may hold together, what was in them before included. */
  writableBytes: number;
  /** Size of /tmp. */
  tmpBytes: number;
}

export type SandboxMount =
  /** A host file or directory, read-only. What lies below it must be readable by everyone. */
  | { kind: "ro"; source: string; target: string }
  /** An existing host directory. What is in it is handed to the sandbox user. */
  | { kind: "rw"; source: string; target: string }
  /** Empty, writable, thrown away at the end. */
  | { kind: "tmpfs"; target: string; sizeBytes: number };

export interface SandboxRequest {
  /** Never a shell string. argv[0] is looked up in the sandbox's PATH; "node" is this Node's binary. */
  argv: readonly string[];
  /**
   * Host directory, seen read-only at /ws. It holds no `.git`. It may itself be closed to others and
   * lie anywhere; what is in it must be readable by everyone (0644, 0755).
   */
  workspace: string;
  /** Directory inside the sandbox, /ws unless told. */
  cwd?: string;
  /**
   * Mounted in this order. A target under /ws, or under another mount with a source, must exist
   * there as a real directory (for a file: a real file), because nothing can be created in a
   * read-only tree. Anywhere else the target is created.
   */
  mounts?: readonly SandboxMount[];
  /** Added to PATH, HOME, TMPDIR, LANG and CI. The candidate reads it: no secret belongs here. */
  env?: Readonly<Record<string, string>>;
  stdin?: string;
  limits?: Partial<SandboxLimits>;
  signal?: AbortSignal;
}

/**
 * How the sandbox was made: by an ordinary user with their own (mapped) user id, or by root, who
 * never enters it but starts it as a user id that owns nothing.
 */
export type SandboxTier = "bubblewrap" | "bubblewrap-dropped-uid";

/** All text in it comes from candidate code: shown as text, never executed, never believed. */
export interface SandboxOutput {
  stdout: string;
  stderr: string;
  /** Output was cut at `outputBytes`. */
  truncated: boolean;
  durationMs: number;
  tier: SandboxTier;
  /** Of bubblewrap; "unknown" where it could not be asked. */
  version: string;
  /** Highest sample of the tree's resident memory (every 50 ms); 0 when it ended before the first. */
  peakMemoryBytes: number;
}

export type KillReason = "wall-timeout" | "memory" | "output-limit" | "disk-limit" | "aborted";

/**
 * `signaled` means an exit status of 128 + n, which is how bubblewrap reports a death by signal n
 * (24 is the CPU limit). A program that calls exit(137) itself looks the same; nothing may hang on
 * the difference, and neither is a success.
 */
export type SandboxEnding =
  | { outcome: "exited"; exitCode: number }
  | { outcome: "signaled"; signal: number }
  | { outcome: "killed"; reason: KillReason }
  /** There is no trustworthy exit status: infrastructure, never a verdict about the candidate. */
  | { outcome: "sandbox-error"; message: string };

export type SandboxResult = SandboxOutput & SandboxEnding;
