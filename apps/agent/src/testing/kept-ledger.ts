import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestDatabase } from "@jarvis/db/testing";
import type { Forge } from "@jarvis/forge";
import {
  fixedToken,
  makeGitHubTarget,
  openMirror,
  type GitHubTarget,
} from "@jarvis/tools/self-extension";
import { keepLedger, type LedgerKeeper } from "../kernel/ledger/ledger-keeper.ts";
import { at } from "./seeded-forge.ts";

/** A keeper of a database's ledger, that has looked at what a host holds of it. */
export async function keepAndWatch(
  database: TestDatabase,
  stateDirectory: string,
  github: () => GitHubTarget,
): Promise<LedgerKeeper> {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const keeper = await keepLedger({
    database,
    stateDirectory,
    takesOver: false,
    onProblem: () => undefined,
  });
  const mirror = await openMirror(join(stateDirectory, "mirror.git"));
  await keeper.watch({ mirror, github, kind: "forge" });
  return keeper;
}

/** The forge as a kernel asks it; at another address where `host` is given. */
export function targetOf({ apiUrl, cloneUrl, token }: Forge, host?: string): GitHubTarget {
  const api = host === undefined ? apiUrl : host + new URL(apiUrl).pathname;
  const place = { apiUrl: api, ...at, baseBranch: "main", gitUrl: cloneUrl, remote: false };
  return makeGitHubTarget(place, fixedToken(token));
}
