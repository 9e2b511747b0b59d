import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { foldRun, type LifecycleEvent } from "@jarvis/tools/self-extension";
import {
  discardState,
  postmasterOf,
  startKernelProgram,
  type KernelProgram,
} from "./kernel-program.ts";
import { makeLiving, tiresAfter } from "./living-project.ts";
import { expandingMigration, makeMigrating, runOnData } from "./migrating-project.ts";
import { plainProject, type TestRepository } from "./repository.ts";
import { canMount, smallDisk, type SmallDisk } from "./small-disk.ts";

export const moments = [
  "release build",
  "before merge",
  "after merge",
  "switch",
  "window open",
  "blessing",
  "rollback started",
  "revert open",
] as const;
export type Moment = (typeof moments)[number];

export const faults = [
  "kernel killed",
  "kernel stopped",
  "body killed",
  "body stopped",
  "launcher killed",
  "launcher stopped",
  "database killed",
  "database stopped",
  "forge killed",
  "forge stopped",
  "disk full",
  "clock an hour off",
  // The same fault as the first, and the change brings a migration along.
  "kernel killed, migrating",
] as const;
export type Fault = (typeof faults)[number];

const LAUNCHER = fileURLToPath(new URL("../../dist/launcher.js", import.meta.url));
/** Loaded into every program of Node: its wall clock goes wrong by what a file says. */
const CLOCK = fileURLToPath(new URL("clock-off.cjs", import.meta.url));
const STOPPED_MS = 3000;
const CONVERGE_MS = 180_000;

interface Detail {
  readonly run: { progress: { what: string } | null };
  readonly result: {
    status: string;
    rollbackRunId: string | null;
    releaseDigest: string | null;
    blockReasons: string[];
    verificationDiagnostics: { name: string; status: string }[];
  };
  readonly events: LifecycleEvent[];
}

interface Status {
  readonly body: { state: string } | null;
  readonly openRuns: { runId: string; status: string; blockReasons: string[] }[];
  readonly wayOut: { state: string; because: string };
}

/** A launcher with everything under it, on a disk of its own, to which things happen. */
export class FaultWorld {
  readonly #repository: TestRepository;
  readonly #disk: SmallDisk | null;
  readonly #stateDir: string;
  readonly #clockFile: string;
  /** What releases have stored, as long as the world stands. */
  readonly #data = mkdtempSync(join(tmpdir(), "jarvis-kept-data-"));
  #launcher: KernelProgram | null = null;
  /** When the kernel was made to end of late. */
  #endings: number[] = [];
  #cells = 0;

  constructor() {
    this.#repository = plainProject();
    makeLiving(this.#repository);
    makeMigrating(this.#repository);
    this.#disk = canMount ? smallDisk(512) : null;
    this.#stateDir = join(this.#disk?.directory ?? this.#repository.directory, ".jarvis");
    this.#clockFile = join(this.#repository.directory, "..", "clock-offset");
    writeFileSync(this.#clockFile, "0");
  }

  async start(): Promise<void> {
    await this.#launch();
    await this.#api.post("/api/mode", { mode: "execute", reason: "test" });
    await until(
      async () => ((await this.#status())?.body?.state === "running" ? true : null),
      CONVERGE_MS,
    );
  }

  async stop(): Promise<void> {
    await this.#launcher?.stop();
    await discardState(this.#stateDir);
    this.#disk?.remove();
    this.#repository.remove();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** Lets a change go its way until the moment, lets the fault happen, and waits until all is well. */
  async cell(fault: Fault, moment: Moment): Promise<string> {
    const number = (this.#cells += 1);
    await this.#patienceOfLauncher();
    const isMigrating = fault === "kernel killed, migrating";
    // What migrates is rolled back, but where it has to be blessed.
    const isBad =
      moment === "rollback started" ||
      moment === "revert open" ||
      (isMigrating && moment !== "blessing");
    const patch = this.#repository.patch({
      ...(isBad
        ? { "lib/double.js": tiresAfter(30 + number) }
        : { [`lib/c${number}.js`]: `export const c = ${number};\n` }),
      // The repository's own copy stays where it began, so every migration of it is a new file.
      ...(isMigrating ? expandingMigration(1 + number) : {}),
    });
    const before = this.#pointer("baseline");
    const runId = await this.#api.propose(patch);
    await until(async () => await this.#isReached(moment, runId, before), CONVERGE_MS, 10);
    await this.#happen(isMigrating ? "kernel killed" : fault);
    if (/^(kernel|database|launcher)/.test(fault)) this.#endings.push(performance.now());
    const end = await this.#converged(runId);
    if (isMigrating) await this.#requireWayBack(runId, before ?? "", 1 + number);
    return end;
  }

  /** A launcher that has to start its kernel three times in a minute gives up, as it should. */
  async #patienceOfLauncher(): Promise<void> {
    const isRecent = (at: number): boolean => performance.now() - at < 61_000;
    while (this.#endings.filter(isRecent).length >= 2) await sleep(500);
    this.#endings = this.#endings.filter(isRecent);
  }

  /** What the change made of the data stays, and what serves now runs on it. */
  async #requireWayBack(runId: string, before: string, migration: number): Promise<void> {
    const result = (await this.#detail(runId))?.result;
    const gate = result?.verificationDiagnostics.find(({ name }) => name === "way-back");
    if (gate?.status !== "passed") throw new Error(`the way back was not a gate: ${gate?.status}`);
    for (const release of [before, result?.releaseDigest ?? ""]) {
      await runOnData(this.#stateDir, release, this.#data);
    }
    const serving = this.#pointer("serving") ?? "";
    const version = await runOnData(this.#stateDir, serving, this.#data);
    if (version !== migration) throw new Error(`the data are at ${version}, not at ${migration}`);
  }

  async #isReached(moment: Moment, runId: string, before: string | null): Promise<true | null> {
    const reached = (is: boolean): true | null => (is ? true : null);
    // Files tell at once; the ledger and the API a moment later.
    if (moment === "switch") return reached(this.#pointer("serving") !== before);
    if (moment === "blessing") return reached(this.#pointer("baseline") !== before);
    const detail = await this.#detail(runId);
    const has = (type: string): boolean =>
      detail?.events.some((event) => event.type === type) ?? false;
    const progress = detail?.run.progress?.what ?? "";
    switch (moment) {
      case "release build":
        return reached(progress.startsWith("verify:") || has("tested"));
      case "before merge":
        return reached(progress.startsWith("promote") || has("promoted"));
      case "after merge":
        return reached(has("promoted"));
      case "window open":
        return reached(has("health_window_started"));
      case "rollback started":
        return reached(has("rollback_started"));
      case "revert open": {
        const revert = detail?.result.rollbackRunId ?? null;
        return reached(revert !== null && (await this.#detail(revert)) !== null);
      }
    }
  }

  async #happen(fault: Fault): Promise<void> {
    if (fault === "disk full") {
      this.#disk?.fillTo(0);
      await sleep(STOPPED_MS);
      this.#disk?.empty();
      return;
    }
    if (fault === "clock an hour off") {
      writeFileSync(this.#clockFile, "3600000");
      await sleep(STOPPED_MS);
      writeFileSync(this.#clockFile, "0");
      return;
    }
    const [who = "", how] = fault.split(" ");
    const pids = this.#pidsOf(who);
    if (pids.length === 0) return;
    signalAll(pids, how === "killed" ? "SIGKILL" : "SIGSTOP");
    if (how === "stopped") {
      await sleep(STOPPED_MS);
      signalAll(pids, "SIGCONT");
    }
    // Nothing of ours starts a launcher again: whoever started it does.
    if (fault === "launcher killed") {
      await this.#launcher?.ended;
      await this.#launch();
    }
  }

  #pidsOf(who: string): number[] {
    const kernel = this.#kernelPid();
    if (who === "kernel") return kernel === null ? [] : [kernel];
    if (who === "launcher") return [this.#launcher?.pid ?? 0];
    const tree = processTree();
    if (who === "database") {
      const postmaster = postmasterOf(this.#stateDir);
      return [postmaster, ...descendants(tree, postmaster)];
    }
    const word = who === "body" ? "body.js" : join(this.#stateDir, "forge");
    return kernel === null
      ? []
      : descendants(tree, kernel).filter((pid) => commandOf(pid).includes(word));
  }

  /** Everything as it has to be, whatever happened; throws what is not. Answers how the run ended. */
  async #converged(runId: string): Promise<string> {
    let last = "nothing answers";
    const ended = await until(async () => {
      const status = await this.#status();
      const detail = await this.#detail(runId);
      if (status === null || detail === null) return null;
      last = `the run is ${detail.result.status} [${detail.result.blockReasons.join(", ")}], the body ${status.body?.state ?? "none"}, open are ${JSON.stringify(status.openRuns.map((run) => [run.status, run.blockReasons]))}, and: ${status.wayOut.because}`;
      if (!["blessed", "rolled-back"].includes(detail.result.status)) return null;
      if (status.openRuns.length > 0 || status.body?.state !== "running") return null;
      if (this.#pointer("serving") !== this.#pointer("baseline")) return null;
      const revert = detail.result.rollbackRunId;
      if (revert !== null) {
        const back = await this.#detail(revert);
        last = `${last}; its revert is ${back?.result.status ?? "not recorded"}`;
        // Where it makes the very release that serves, there is nothing to judge, and it ends promoted.
        if (back === null || !["blessed", "promoted"].includes(back.result.status)) return null;
        requireOneStory(revert, back.events);
      }
      const answer = await this.#try<{ output: unknown }>("/api/tools/double/call", {
        input: { n: 21 },
      });
      if (answer?.output !== 42) return null;
      requireOneStory(runId, detail.events);
      return detail.result.status;
    }, CONVERGE_MS).catch((error: unknown) => {
      throw new Error(`it did not converge: ${last}`, { cause: error });
    });
    return ended;
  }

  async #launch(): Promise<void> {
    this.#launcher = await startKernelProgram({
      repo: this.#repository.directory,
      stateDir: this.#stateDir,
      program: LAUNCHER,
      env: {
        JARVIS_FREE_SPACE_MIB: "64",
        NODE_OPTIONS: `--require "${CLOCK}"`,
        CLOCK_OFF_FILE: this.#clockFile,
      },
    });
  }

  get #api(): KernelProgram {
    if (this.#launcher === null) throw new Error("nothing was started");
    return this.#launcher;
  }

  async #status(): Promise<Status | null> {
    return await this.#try<Status>("/api/status");
  }

  async #detail(runId: string): Promise<Detail | null> {
    return await this.#try<Detail>(`/api/runs/${runId}`);
  }

  /** What the API answers, or null: a kernel that is being started again answers nothing. */
  async #try<T>(path: string, body?: unknown): Promise<T | null> {
    const asked = body === undefined ? this.#api.get<T>(path) : this.#api.post<T>(path, body);
    const late = sleep(5000).then(() => null);
    return await Promise.race([asked.catch(() => null), late]);
  }

  #pointer(name: "serving" | "baseline"): string | null {
    try {
      const path = join(this.#stateDir, "releases", `${name}.json`);
      const value = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
      return ((value["current"] ?? value) as { releaseDigest: string }).releaseDigest;
    } catch {
      return null;
    }
  }

  #kernelPid(): number | null {
    try {
      const facts: unknown = JSON.parse(readFileSync(join(this.#stateDir, "kernel.json"), "utf8"));
      return (facts as { pid: number }).pid;
    } catch {
      return null;
    }
  }
}

/** Every event once, in order, and what they add up to is where the run stands. */
function requireOneStory(runId: string, events: readonly LifecycleEvent[]): void {
  const numbers = events.map(({ seq }) => seq);
  if (numbers.some((seq, index) => seq !== index + 1)) {
    throw new Error(`the events of run ${runId} are numbered ${numbers.join(" ")}`);
  }
  for (const once of ["promoted", "baseline_blessed", "rolled_back"]) {
    const count = events.filter(({ type }) => type === once).length;
    if (count > 1) throw new Error(`run ${runId} has ${count} events ${once}`);
  }
  foldRun(runId, events);
}

async function until<T>(ask: () => Promise<T | null>, limitMs: number, everyMs = 200): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadline) throw new Error(`no answer within ${limitMs} ms`);
    await sleep(everyMs);
  }
}

function processTree(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // It has ended since it was listed.
    }
  }
  return parents;
}

function descendants(parents: Map<number, number>, root: number): number[] {
  const isUnder = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === root || isUnder(parents.get(pid)));
  return [...parents.keys()].filter((pid) => pid !== root && isUnder(pid));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended since.
    }
  }
}
