/**
 * The contract of the sandbox. A caller never needs to know whether it runs as root or as an
 * ordinary user: ownership, staging of paths and the choice of a user happen behind it.
 */

export interface SandboxLimits {
  /** Wall time from the start of the sandbox to its end. */
  wallMs: number;
  /** CPU time of each process (RLIMIT_CPU); SIGXCPU at the limit, SIGKILL one second later. */
  cpuSeconds: number;
  /**
   * Private memory of each process (RLIMIT_DATA), and resident memory of the whole tree with what its
   * unix sockets can hold.
   */
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

/** What is run, and what it finds. */
export interface SandboxProgram {
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
  /** What it is run for, in the caller's own words: told to whoever ends it, not to the program. */
  about?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

export interface SandboxRequest extends SandboxProgram {
  stdin?: string;
  limits?: Partial<SandboxLimits>;
}

/** What may come out of a program that is talked with, before it is ended with "output-limit". */
export interface ChannelLimits {
  /** One line of stdout, without its newline. */
  lineBytes: number;
  /** stdout and stderr together, in any second. */
  bytesPerSecond: number;
  /** What may wait to be read by the program; `send` refuses more. */
  pendingBytes: number;
}

/** A program that runs until it ends or is ended: it has no limit of time unless one is given. */
export interface SandboxStartRequest extends SandboxProgram {
  /** What it is, for whoever is told what a kill ended; "run" is what `runInSandbox` runs. */
  label: string;
  limits?: Partial<Omit<SandboxLimits, "outputBytes">>;
  channel?: Partial<ChannelLimits>;
  /**
   * Every line of its stdout, in order, until it is told to end. Text of the program: never
   * believed. May be called before `startInSandbox` has answered. Must not throw.
   */
  onLine: (line: string) => void;
}

/**
 * How the sandbox was made: by an ordinary user with their own (mapped) user id, or by root, who
 * never enters it but starts it as a user id that owns nothing.
 */
export const sandboxTiers = ["bubblewrap", "bubblewrap-dropped-uid"] as const;
export type SandboxTier = (typeof sandboxTiers)[number];

/** What was measured of a sandbox that has ended. */
export interface SandboxMeasures {
  durationMs: number;
  tier: SandboxTier;
  /** Of bubblewrap; "unknown" where it could not be asked. */
  version: string;
  /** Highest sample of what `memoryBytes` limits (every 50 ms); 0 when it ended before the first. */
  peakMemoryBytes: number;
}

/** All text in it comes from candidate code: shown as text, never executed, never believed. */
export interface SandboxOutput extends SandboxMeasures {
  stdout: string;
  stderr: string;
  /** Output was cut at `outputBytes`. */
  truncated: boolean;
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

/** How a started program ended; `stderrTail` is its own text. */
export type SandboxProcessEnd = SandboxMeasures & SandboxEnding & { stderrTail: string };

/** A program that runs in a sandbox and is talked with, a line at a time. */
export interface SandboxProcess {
  /** Of the sandbox's first process, as the host counts: with it the whole tree dies. */
  readonly pid: number;
  /**
   * Writes a line, which may not hold a newline, to its stdin. False when it has ended, or when it
   * left more than `pendingBytes` unread: then nothing was written.
   */
  send(line: string): boolean;
  /** Never rejects. Resolves when every process of it is gone. */
  readonly ended: Promise<SandboxProcessEnd>;
  /** Ends it with SIGKILL and resolves when the whole tree is gone. */
  kill(): Promise<void>;
  /** Resident memory of the whole tree, seen from outside; null when it is gone. */
  memoryBytes(): number | null;
  /** The last of what it wrote to stderr. */
  stderrTail(): string;
}

export type SandboxStart =
  | { started: true; process: SandboxProcess }
  /** One sentence says what to do; "sandbox-unavailable" is about this machine, whatever is run. */
  | { started: false; reason: "sandbox-unavailable" | "not-started" | "aborted"; message: string };
