import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { filesDigest } from "./files-digest.ts";

/**
 * Starts the kernel from the baseline release and falls back to the one blessed before it, at last
 * to the program beside this one. It uses nothing but Node, so that no change of a dependency can
 * keep it from starting; and it needs neither database nor network.
 *
 * What a kernel's exit code means: 0 it was told to stop, and so does the launcher; 75 start me
 * again, from wherever the pointer leads now; 2 and 3 it refuses to run and has said why; any other
 * is a crash. The launcher ends with the code of the kernel that it could not replace.
 */
const RESTART = 75;
/** A kernel that is not ready by then never will be; a start on a new machine makes a database. */
const READY_MS = 120_000;
/** A kernel that ended so often within the time is not started again. */
const LIMIT = { boots: 3, withinMs: 60_000 };

interface Candidate {
  readonly directory: string;
  /** What its files must add up to; null for the program beside this one, which a person built. */
  readonly filesDigest: string | null;
}

interface Ending {
  readonly code: number;
  readonly wasReady: boolean;
  /** What it said before it was ready, for whoever started the launcher. */
  readonly words: readonly string[];
}

const { argv, readyMs } = readArguments(process.argv.slice(2));
let kernel: ChildProcess | null = null;
let stopping = false;
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    stopping = true;
    kernel?.kill(signal);
  });
}

process.exitCode = await launch();

async function launch(): Promise<number> {
  let boots: number[] = [];
  let leftOut = 0;
  for (;;) {
    const candidates = readCandidates();
    const index = Math.min(leftOut, candidates.length - 1);
    const candidate = candidates[index] ?? beside();
    const isLast = index === candidates.length - 1;
    boots = [...boots.filter((at) => performance.now() - at < LIMIT.withinMs), performance.now()];
    const damage = damageOf(candidate);
    const ending = damage === null ? await run(candidate) : null;
    if (stopping || ending?.code === 0) return end(ending);
    if (ending?.code === RESTART) {
      leftOut = 0;
      boots = [];
      continue;
    }
    const isSpent = boots.length >= LIMIT.boots;
    if (isLast) {
      // What the last kernel refuses nobody mends by another start: a wrong setting, a taken state.
      const refuses = ending?.code === 2 || ending?.code === 3;
      if (refuses || isSpent) return end(ending);
      continue;
    }
    if (ending?.wasReady === true && !isSpent) continue;
    const why =
      damage ??
      (ending?.wasReady === true ? "it ended again and again" : "it did not become ready");
    warn(`The kernel in ${candidate.directory} is left out: ${why}. The one before it is started.`);
    leftOut += 1;
    boots = [];
  }
}

function end(ending: Ending | null): number {
  for (const line of ending?.words ?? []) process.stdout.write(`${line}\n`);
  return ending?.code ?? 3;
}

function beside(): Candidate {
  return { directory: fileURLToPath(new URL("../../../", import.meta.url)), filesDigest: null };
}

/** The releases that the pointer names, newest first, and last the program beside this one. */
function readCandidates(): Candidate[] {
  const at = argv.indexOf("--state-dir");
  const stateDir = at === -1 ? undefined : argv[at + 1];
  if (stateDir === undefined) return [beside()];
  const path = join(stateDir, "releases", "kernel-pointer.json");
  try {
    const named: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!Array.isArray(named) || !named.every(isCandidate)) throw new Error("it has another form");
    return [...named, beside()];
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isAbsent) warn(`${path} cannot be read; the kernel beside the launcher is started.`);
    return [beside()];
  }
}

function isCandidate(value: unknown): value is Candidate {
  return (
    typeof value === "object" &&
    value !== null &&
    "directory" in value &&
    typeof value.directory === "string" &&
    "filesDigest" in value &&
    typeof value.filesDigest === "string"
  );
}

/** Why a release must not run, or null: its files have to be what they were when it was blessed. */
function damageOf(candidate: Candidate): string | null {
  if (candidate.filesDigest === null) return null;
  try {
    const isWhole = filesDigest(candidate.directory) === candidate.filesDigest;
    return isWhole ? null : "its files are not what they were when it was blessed";
  } catch {
    return "its files cannot be read";
  }
}

/** Runs one kernel to its end; one that is not ready in time is killed. */
async function run({ directory }: Candidate): Promise<Ending> {
  const program = join(directory, "apps/agent/dist/main.js");
  const words: string[] = [];
  let wasReady = false;
  const child = spawn(
    process.execPath,
    // The database driver is used in a way that its next major version will refuse; versions are pinned.
    ["--disable-warning=DeprecationWarning", program, ...argv, "--until-stdin-closes"],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  kernel = child;
  const clock = setTimeout(() => child.kill("SIGKILL"), readyMs);
  createInterface({ input: child.stdout }).on("line", (line) => {
    wasReady ||= line.startsWith('{"ready":true');
    if (!wasReady) words.push(line);
    else {
      clearTimeout(clock);
      process.stdout.write(`${line}\n`);
    }
  });
  const code = await new Promise<number>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", (exitCode) => resolve(exitCode ?? 1));
  });
  clearTimeout(clock);
  kernel = null;
  return { code, wasReady, words };
}

/** Everything is the kernel's but `--ready-ms N`. */
function readArguments(given: readonly string[]): { argv: string[]; readyMs: number } {
  const at = given.indexOf("--ready-ms");
  const wanted = at === -1 ? READY_MS : Number(given[at + 1]);
  return {
    argv: at === -1 ? [...given] : given.toSpliced(at, 2),
    readyMs: wanted > 0 ? wanted : READY_MS,
  };
}

function warn(sentence: string): void {
  process.stderr.write(`jarvis: ${sentence}\n`);
}
