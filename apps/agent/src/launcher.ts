import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { DatabaseErrorCode } from "@jarvis/db";
import { INVALID_REQUEST, START_AGAIN, UNAVAILABLE } from "./exit-codes.ts";
import { readArguments } from "./launcher/arguments.ts";
import { damageOf, pointerIn, readCandidates, type Candidate } from "./launcher/candidates.ts";
import { readKernelLine } from "./launcher/kernel-line.ts";

/*
 * Starts the kernel from the newest blessed release, falls back to the one blessed before it, at last
 * to the program beside this one, and starts again what ended without being told to. It uses nothing
 * but Node, so that no change of a dependency can keep it from starting; and it needs neither
 * database nor network.
 *
 * What a kernel's exit code means (`exit-codes.ts`): 0 it was told to stop, and so does the launcher;
 * 75 start me again, from wherever the pointer leads now; 2 and 3 before it was ready: it refuses to
 * run and has said why; anything else, a signal too, is a crash. What lies outside of every kernel (a
 * setting, the state, the database) is held against none: it ends the first start, and an outage that
 * comes later is waited for. The launcher ends with the code of the kernel that it could not replace.
 * With `--until-stdin-closes` it ends when whoever started it does, and every kernel ends with its
 * launcher in that way.
 */

/** A kernel that was started so often within `withinMs` is not started again. */
const BOOTS = 3;
const LONGEST_WAIT_MS = 30_000;

/** What a kernel says of the world, which another kernel would meet too; whether it may pass by itself. */
const outside = {
  "database-unreachable": "passes",
  "database-url-invalid": "stays",
  "invalid-setting": "stays",
  "repository-unusable": "stays",
  "state-directory-locked": "passes",
  "state-directory-unsafe": "stays",
} as const satisfies Partial<
  Record<DatabaseErrorCode | "invalid-setting" | "repository-unusable", "passes" | "stays">
>;

interface Ending {
  readonly code: number;
  readonly signal: string | null;
  readonly wasReady: boolean;
  /** Why it could not go on, as a code; null if it did not say. */
  readonly refusal: string | null;
  /** What it said before it was ready, for whoever started the launcher. */
  readonly words: readonly string[];
}

const HOME = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
const beside: Candidate = {
  directory: HOME,
  program: "apps/agent/dist/main.js",
  filesDigest: null,
};
const options = readArguments(process.argv.slice(2));
let kernel: ChildProcess | null = null;
const stopped = new AbortController();
/** Where the kernel was reached: the next one is found at the same place. */
let port: string | null = null;
/** Releases that do not come up, and why; the kernel that does is told, and puts it on record. */
const leftOut = new Map<string, string>();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => stop(signal));
}
// Whoever read this has ended, which is told by standard input.
process.stdout.on("error", () => undefined);
if (options.isHeld) process.stdin.once("close", () => stop("SIGTERM")).resume();

process.exit(await launch());

async function launch(): Promise<number> {
  const boots = new Map<string, number[]>();
  let waitMs = options.waitMs;
  for (;;) {
    const candidate = candidates().find(({ directory }) => !leftOut.has(directory)) ?? beside;
    const known = [...(boots.get(candidate.directory) ?? []), performance.now()];
    const damage = damageOf(candidate);
    const ending = damage === null ? await run(candidate) : null;
    const named = `The kernel in ${candidate.directory}`;
    const standing = standingOf(ending?.refusal ?? null);
    if (standing !== undefined && !stopped.signal.aborted) {
      if (port === null || standing === "stays") return end(ending);
      if (ending?.wasReady === true) ({ waitMs } = options);
      const seconds = Math.ceil(waitMs / 1000);
      warn(`${named} cannot run now (${ending?.refusal}); it is started again in ${seconds} s.`);
      await sleep(waitMs, null, { signal: stopped.signal }).catch(() => null);
      if (stopped.signal.aborted) return 0;
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
      continue;
    }
    // Counted at its end: one that has run for an hour since is not one that cannot run.
    const recent = known.filter((at) => performance.now() - at < options.withinMs);
    boots.set(candidate.directory, recent);
    const isSpent = recent.length >= BOOTS;
    if (stopped.signal.aborted || ending?.code === 0) return end(ending);
    if (ending?.code === START_AGAIN && !isSpent) {
      leftOut.clear();
      continue;
    }
    // What the first kernel refuses nobody mends by another start: a wrong setting, a taken state.
    const refuses =
      port === null && (ending?.code === INVALID_REQUEST || ending?.code === UNAVAILABLE);
    const how = damage ?? ending?.signal ?? `exit code ${ending?.code ?? UNAVAILABLE}`;
    if (candidate === beside && (refuses || isSpent)) {
      if (!refuses) warn(`${named} ended again and again (${how}); it is not started any more.`);
      return end(ending);
    }
    if (candidate === beside || (ending?.wasReady === true && !isSpent)) {
      warn(`${named} ended (${how}) and is started again.`);
    } else {
      const why =
        ending?.wasReady === true ? "it ended again and again" : "it did not become ready";
      warn(`${named} is left out: ${why} (${how}). The one before it is started.`);
      leftOut.set(candidate.directory, `${why} (${how})`);
    }
  }
}

/** Tells the kernel to stop, and ends one that does not: it is stopped or wedged. */
function stop(signal: NodeJS.Signals): void {
  stopped.abort();
  kernel?.kill(signal);
  setTimeout(() => kernel?.kill("SIGKILL"), options.stopMs).unref();
}

function standingOf(refusal: string | null): "passes" | "stays" | undefined {
  return Object.entries(outside).find(([code]) => code === refusal)?.[1];
}

function end(ending: Ending | null): number {
  for (const line of ending?.words ?? []) process.stdout.write(`${line}\n`);
  return ending?.code ?? UNAVAILABLE;
}

/** The releases that may be started, newest first; the program beside this one needs no pointer. */
function candidates(): Candidate[] {
  if (options.stateDir === undefined) return [];
  const pointer = pointerIn(options.stateDir);
  try {
    return readCandidates(pointer);
  } catch {
    warn(`${pointer} cannot be read; the kernel beside the launcher is started.`);
    return [];
  }
}

/** Runs one kernel to its end; one that is not ready in time is killed. */
async function run({ directory, program, filesDigest: digest }: Candidate): Promise<Ending> {
  const words: string[] = [];
  let wasReady = false;
  let refusal: string | null = null;
  const release = digest === null ? null : directory;
  const launcher = { home: HOME, release, leftOut: Object.fromEntries(leftOut) };
  const place = port === null ? [] : ["--port", port];
  const argv = [...options.argv, ...place, "--until-stdin-closes"];
  const child = spawn(
    process.execPath,
    // The database driver is used in a way that its next major version will refuse; versions are pinned.
    ["--disable-warning=DeprecationWarning", join(directory, program), ...argv],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, JARVIS_LAUNCHER: JSON.stringify(launcher) },
    },
  );
  kernel = child;
  const clock = setTimeout(() => child.kill("SIGKILL"), options.readyMs);
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = readKernelLine(line);
    if (said?.ready === true) {
      wasReady = true;
      port = said.port ?? port;
    } else if (said?.ready === false) ({ refusal } = said);
    if (!wasReady) words.push(line);
    else {
      clearTimeout(clock);
      process.stdout.write(`${line}\n`);
    }
  });
  const [code, signal] = await new Promise<[number, string | null]>((resolve) => {
    child.once("error", () => resolve([1, null]));
    child.once("close", (exitCode, by) => resolve([exitCode ?? 1, by]));
  });
  clearTimeout(clock);
  kernel = null;
  return { code, signal, wasReady, refusal, words };
}

function warn(sentence: string): void {
  process.stderr.write(`jarvis: ${sentence}\n`);
}
