import { readFileSync } from "node:fs";
import { actionProposals } from "@jarvis/db";
import { and, eq, inArray, sql } from "drizzle-orm";
import {
  foldRun,
  makeOctokit,
  openIntents,
  readRun,
  RELEASE_CHANGE,
} from "../../self-extension/index.ts";
import { at } from "../promotion-world.ts";
import type { CrashWorld } from "./crash-world.ts";

/** Everything that came of a run, in the ledger and on the host, as far as it is the same each time. */
export interface Story {
  readonly status: string;
  readonly blockReasons: readonly string[];
  readonly events: readonly string[];
  /** What changed something on the host, and how often it took effect. */
  readonly effects: Readonly<Record<string, number>>;
  readonly statuses: readonly string[];
  readonly pulls: readonly string[];
  readonly isBase: boolean;
  readonly branches: readonly string[];
  readonly asked: number;
  readonly openIntents: number;
}

/** Objects are named by what they hold: one that is sent twice is one. */
const OBJECTS = /\/git\/(blobs|trees|commits)$/;

/** How long the log of the host is. */
export function hostLog({ place }: CrashWorld): string[] {
  return readFileSync(place.forge.requestLog, "utf8").split("\n").slice(0, -1);
}

/** @throws where the ledger does not add up, or a fact that has to be unique is there twice. */
export async function storyOf(crash: CrashWorld, runId: string, since: number): Promise<Story> {
  const { forge } = crash.place;
  const run = await readRun(crash.db, runId);
  if (run === null) throw new Error(`run ${runId} is gone`);
  for (const [index, { seq }] of run.events.entries()) {
    if (seq !== index + 1) throw new Error(`event ${seq} of run ${runId} stands at ${index + 1}`);
  }
  const { status, blockReasons, headSha, branchName } = foldRun(runId, run.events);
  const { apiUrl, operatorToken: token } = forge;
  const { rest, paginate } = makeOctokit({ apiUrl, token, remote: false });
  const base = (await rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
  const refs = await paginate(rest.git.listMatchingRefs, { ...at, ref: "heads/jarvis/" });
  const known = headSha === null ? null : { ...at, ref: headSha };
  const statuses = known === null ? [] : (await rest.repos.listCommitStatusesForRef(known)).data;
  const head = `local:${branchName ?? ""}`;
  const pulls =
    branchName === null ? [] : (await rest.pulls.list({ ...at, state: "all", head })).data;
  return {
    status,
    blockReasons,
    events: run.events.map(({ type }) => type),
    effects: effectsOf(hostLog(crash).slice(since)),
    statuses: statuses.map(({ context, state }) => `${context} ${state}`),
    pulls: pulls.map((pull) => (pull.merged_at === null ? pull.state : "merged")),
    isBase: base === headSha,
    branches: refs.map(({ ref }) => ref),
    asked: await countAsked(crash, runId),
    openIntents: (await openIntents(crash.db)).length,
  };
}

function effectsOf(log: readonly string[]): Record<string, number> {
  const effects: Record<string, number> = {};
  for (const line of log) {
    const { method, path, status, actor } = JSON.parse(line) as {
      method: string;
      path: string;
      status: number;
      actor: string | null;
    };
    const isEffect = method !== "GET" && path.startsWith("/api/") && status < 300;
    // The text of a pull request names the action that promotes: another action sets it anew.
    if (method === "PATCH" && /\/pulls\/\d+$/.test(path)) continue;
    if (!isEffect || actor !== "jarvis[bot]" || OBJECTS.test(path)) continue;
    const name = `${method} ${path
      .replaceAll(/[0-9a-f]{12,}/g, "*")
      .replace(/\d+$/, "N")
      .replace(/jarvis(\/|%2F).*/, "*")}`;
    effects[name] = (effects[name] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(effects).toSorted(([a], [b]) => a.localeCompare(b)));
}

/** The questions to a person that stand open. */
async function countAsked({ db }: CrashWorld, runId: string): Promise<number> {
  const { actionName, state, parameters, id } = actionProposals;
  const rows = await db
    .select({ id })
    .from(actionProposals)
    .where(
      and(
        eq(actionName, RELEASE_CHANGE),
        inArray(state, ["proposed", "validated", "approved", "executing"]),
        sql`${parameters} ->> 'runId' = ${runId}`,
      ),
    );
  return rows.length;
}
