import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree } from "@jarvis/sandbox/testing";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import type { Forge } from "@jarvis/forge";
import {
  foldRun,
  makeOctokit,
  readRunEvents,
  type LifecycleEvent,
  type RunResult,
} from "@jarvis/tools/self-extension";
import { startCuttingProxy, type CuttingProxy } from "./cutting-proxy.ts";
import { startHoldingProxy, type HoldingProxy } from "./holding-proxy.ts";
import { startKernelProgram, until, type KernelProgram } from "./kernel-program.ts";
import type { TestRepository } from "./repository.ts";
import { at, startSeededForge } from "./seeded-forge.ts";

/** Long enough for a busy machine to renew in, short enough to wait for. */
const LEASE_SECONDS = 4;

interface Role {
  readonly kernel: {
    readonly role: "leads" | "standby";
    readonly leader: { readonly pid: number; readonly url: string | null } | null;
  };
}

/** One of the kernels on the database, with a way of its own to the database and to the forge. */
export interface Member {
  readonly forge: HoldingProxy;
  readonly network: CuttingProxy;
  readonly stateDir: string;
  /** The program that runs, or ran last. */
  readonly program: KernelProgram;
  /** Starts the program (again), on another database where one is given; it leads or stands by. */
  start(databaseUrl?: string): Promise<KernelProgram>;
  role(): Promise<Role["kernel"]>;
  /** Waits until it leads. */
  leads(): Promise<void>;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

/** What the host holds and heard of one run that is over. */
export interface Effects {
  /** Branches of Jarvis's that are left. */
  readonly branches: number;
  readonly pullRequests: number;
  readonly evidence: number;
  readonly landings: number;
}

/** Two kernels, one PostgreSQL and one repository host. */
export interface FailoverWorld {
  readonly database: TestDatabase;
  readonly forge: Forge;
  readonly first: Member;
  readonly second: Member;
  /** Changes that succeeded at the host so far; a point to count from. */
  readonly logLength: () => number;
  effects(result: RunResult, since: number): Promise<Effects>;
  /** The run's events; throws where they do not fold into what was answered. */
  ledger(result: RunResult): Promise<LifecycleEvent[]>;
  baseSha(): Promise<string>;
  close(): Promise<void>;
}

export async function startFailoverWorld(repository: TestRepository): Promise<FailoverWorld> {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-failover-"));
  const database = await createTestDatabase();
  const forge = await startSeededForge(directory, repository);
  const octokit = makeOctokit({ apiUrl: forge.apiUrl, token: forge.token, remote: false });
  const members = [
    await makeMember({ repository, database, forge, stateDir: join(directory, "first") }),
    await makeMember({ repository, database, forge, stateDir: join(directory, "second") }),
  ] as const;
  const [first, second] = members;

  const readLog = () =>
    readFileSync(forge.requestLog, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { method: string; path: string; status: number });

  return {
    database,
    forge,
    first,
    second,
    logLength: () => readLog().length,
    async effects({ branchName, headSha }, since) {
      const made = readLog()
        .slice(since)
        .filter(({ method, status }) => method !== "GET" && status < 300);
      const count = (method: string, path: RegExp): number =>
        made.filter((line) => line.method === method && path.test(line.path)).length;
      const pulls = await octokit.rest.pulls.list({
        ...at,
        state: "all",
        head: `local:${branchName ?? ""}`,
      });
      const left = await octokit.rest.git.listMatchingRefs({ ...at, ref: "heads/jarvis/" });
      const statuses = await octokit.rest.repos.listCommitStatusesForRef({
        ...at,
        ref: headSha ?? "",
      });
      return {
        branches: left.data.length,
        pullRequests: pulls.data.length,
        evidence: statuses.data.filter(({ context }) => context === "jarvis/sandbox").length,
        landings: count("PATCH", /\/git\/refs\/heads(\/|%2F)main$/),
      };
    },
    async ledger(result) {
      const events = await readRunEvents(database.db, result.lifecycleRunId);
      const folded = foldRun(result.lifecycleRunId, events);
      if (folded.status !== result.status || folded.mergeSha !== result.mergeSha) {
        throw new Error(`the ledger says ${folded.status}, answered was ${result.status}`);
      }
      return events;
    },
    async baseSha() {
      return (await octokit.rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
    },
    async close() {
      for (const member of members) {
        await member.program.kill();
        await member.forge.close();
        await member.network.close();
      }
      await forge.close();
      await database.close();
      removeTree(directory);
    },
  };
}

async function makeMember(parts: {
  repository: TestRepository;
  database: TestDatabase;
  forge: Forge;
  stateDir: string;
}): Promise<Member> {
  const { repository, database, forge, stateDir } = parts;
  const network = await startCuttingProxy(database.adminUrl);
  const proxy = await startHoldingProxy(forge);
  let program: KernelProgram | null = null;
  const running = (): KernelProgram => {
    if (program === null) throw new Error("this kernel was never started");
    return program;
  };
  const role = async (): Promise<Role["kernel"]> =>
    (await running().get<Role>("/api/status")).kernel;
  return {
    forge: proxy,
    network,
    stateDir,
    get program() {
      return running();
    },
    async start(databaseUrl = network.url) {
      program = await startKernelProgram({
        repo: repository.directory,
        stateDir,
        env: {
          DATABASE_URL: databaseUrl,
          JARVIS_LEASE_SECONDS: String(LEASE_SECONDS),
          JARVIS_GITHUB_API_URL: `${proxy.url}${new URL(forge.apiUrl).pathname}`,
          GITHUB_TOKEN: forge.token,
          JARVIS_GITHUB_REPOSITORY: `${at.owner}/${at.repo}`,
        },
      });
      return program;
    },
    role,
    async leads() {
      await until(async () => ((await role()).role === "leads" ? true : null), 30_000);
    },
    signal: (name) => void process.kill(running().pid, name),
  };
}
