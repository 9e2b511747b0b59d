import { basename, join } from "node:path";
import type { JarvisDatabase } from "@jarvis/db";
import {
  connectGitHub,
  fixedToken,
  GitHubSettingsError,
  HostUnfit,
  makeGitHubTarget,
  readRepositoryRecord,
  wantsGitHub,
  type GitHubTarget,
} from "@jarvis/tools/self-extension";
import { ConfigError, type KernelConfig } from "../config.ts";
import { keepForge, type ForgeKeeper } from "./forge-keeper.ts";
import type { GuardedRepository } from "./guarded-repository.ts";
import { guardMutations } from "./leadership/guard-mutations.ts";

export interface Connection {
  readonly target: GitHubTarget;
  readonly kind: "github" | "forge";
  /** What a person opens and pulls from. */
  readonly webUrl: string;
  readonly cloneUrl: string;
  readonly forge: ForgeKeeper | null;
}

/** The repository host answers no, or not at all; the message says what to look at. */
export class HostError extends Error {
  override readonly name = "HostError";
}

/** GitHub where a credential and a repository are configured, else a forge of our own on this machine. */
export async function connectRepositoryHost(
  config: KernelConfig,
  db: JarvisDatabase,
  repository: GuardedRepository,
  onGone: (error: Error) => void,
  /** Asked immediately before each request that changes the host; waits for ever to say no. */
  mayChange: (() => Promise<void>) | null = null,
): Promise<Connection> {
  if (wantsGitHub(config.github)) {
    const connection = await connectConfigured(config, db);
    if (mayChange !== null) guardMutations(connection.target, mayChange);
    return connection;
  }
  // The base is the branch that was the default one when the repository was connected.
  const baseBranch = (await readRepositoryRecord(db))?.baseBranch ?? "main";
  const name = safeName(basename(repository.directory));
  const forge = await keepForge(
    {
      directory: join(config.stateDir, "forge"),
      owner: "local",
      repository: name,
      seed: { gitDirectory: repository.gitDirectory, commit: repository.head },
    },
    onGone,
  );
  let known: { apiUrl: string; target: GitHubTarget } | null = null;
  return {
    kind: "forge",
    forge,
    get webUrl() {
      return forge.current.webUrl;
    },
    get cloneUrl() {
      return forge.current.cloneUrl;
    },
    // A forge that was started again may have had to take another port.
    get target() {
      const { apiUrl, cloneUrl, token } = forge.current;
      if (known?.apiUrl !== apiUrl) {
        const place = { apiUrl, owner: "local", repo: name, baseBranch, gitUrl: cloneUrl };
        const target = makeGitHubTarget({ ...place, remote: false }, fixedToken(token));
        if (mayChange !== null) guardMutations(target, mayChange);
        known = { apiUrl, target };
      }
      return known.target;
    },
  };
}

async function connectConfigured(config: KernelConfig, db: JarvisDatabase): Promise<Connection> {
  try {
    const { target, record } = await connectGitHub(db, config.github);
    return {
      kind: "github",
      webUrl: record.webUrl,
      cloneUrl: record.cloneUrl,
      forge: null,
      target,
    };
  } catch (error) {
    if (error instanceof GitHubSettingsError) {
      throw new ConfigError(error.message, { cause: error });
    }
    if (!(error instanceof HostUnfit)) throw error;
    const { apiUrl, repository: named } = config.github;
    throw new HostError(`${error.message} (${apiUrl}, ${named ?? "no repository"})`, {
      cause: error,
    });
  }
}

/** A repository name that GitHub would take. */
export function safeName(name: string): string {
  const safe = name.replaceAll(/[^\w.-]+/g, "-").replaceAll(/^[.-]+|[.-]+$/g, "");
  return safe === "" ? "repository" : safe;
}
