import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, type JarvisDatabase } from "@jarvis/db";
import {
  CredentialsMissing,
  fixedToken,
  holderState,
  makeGitHubTarget,
  readRepositoryRecord,
  thisHolder,
  wantsGitHub,
  type GitHubTarget,
} from "@jarvis/tools/self-extension";
import type { KernelConfig } from "../config.ts";
import { connectRepositoryHost, safeName, type Connection } from "./connect.ts";
import { inspectRepository } from "./guarded-repository.ts";

const TRIES = 5;
const PAUSE_MS = 500;

/**
 * The repository host for a program that is no kernel. The forge of a kernel that is stopped goes on
 * serving; where none serves one is started, and ended again. Nothing is seeded.
 */
export class OutsideHost {
  #connection: Connection | null = null;
  #target: GitHubTarget | null = null;
  #problem = "The repository host was not asked yet.";
  readonly #config: KernelConfig;
  readonly #db: JarvisDatabase;

  constructor(config: KernelConfig, db: JarvisDatabase) {
    this.#config = config;
    this.#db = db;
  }

  /** @throws CredentialsMissing where it could not be reached: nothing is known then. */
  readonly target = (): GitHubTarget => {
    if (this.#target === null) throw new CredentialsMissing(this.#problem);
    return this.#target;
  };

  /** Connects, or connects anew: the forge may have ended with its kernel. Never rejects. */
  async connect(): Promise<void> {
    await this.close();
    for (let attempt = 1; this.#target === null && attempt <= TRIES; attempt += 1) {
      try {
        this.#target = (await this.#runningForge()) ?? (await this.#connectAnew());
      } catch (error) {
        this.#problem = messageOf(error);
        await sleep(PAUSE_MS);
      }
    }
  }

  async close(): Promise<void> {
    this.#target = null;
    const connection = this.#connection;
    this.#connection = null;
    await connection?.forge?.stop();
  }

  async #connectAnew(): Promise<GitHubTarget> {
    const { stateDir, repo, github } = this.#config;
    if (!wantsGitHub(github) && !existsSync(join(stateDir, "forge", "repository.git"))) {
      throw new Error("There is no forge in the state directory, so nothing can land on it.");
    }
    const repository = await inspectRepository(repo, stateDir);
    const gone = (error: Error): void => void (this.#problem = error.message);
    this.#connection = await connectRepositoryHost(this.#config, this.#db, repository, gone);
    return this.#connection.target;
  }

  /** The forge that serves the state directory now; its token is sent to nobody else. */
  async #runningForge(): Promise<GitHubTarget | null> {
    if (wantsGitHub(this.#config.github)) return null;
    const directory = join(this.#config.stateDir, "forge");
    const read = (name: string): string => readFileSync(join(directory, name), "utf8").trim();
    if (!existsSync(join(directory, "lock"))) return null;
    const [pid = "", startedAt = ""] = read("lock").split(" ");
    const holder = { ...thisHolder(), pid: Number(pid), startedAt, instance: "forge" };
    if (holderState(holder) !== "alive") return null;
    const origin = `http://127.0.0.1:${read("port").split("\n")[0]}`;
    const repository = await inspectRepository(this.#config.repo, this.#config.stateDir);
    const repo = safeName(basename(repository.directory));
    return makeGitHubTarget(
      {
        apiUrl: `${origin}/api/v3`,
        owner: "local",
        repo,
        baseBranch: (await readRepositoryRecord(this.#db))?.baseBranch ?? "main",
        gitUrl: `${origin}/local/${repo}.git`,
        remote: false,
      },
      fixedToken(read("token")),
    );
  }
}
