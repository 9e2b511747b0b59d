import { readAgentState } from "@jarvis/db";
import { readRepositoryRecord, wantsGitHub } from "@jarvis/tools/self-extension";
import { z } from "zod";
import { StandsBy, type Standby } from "../kernel/leadership/standby-kernel.ts";

/** What may be asked of a kernel that stands by: to look, to turn a switch, and who one is. */
const allowed: ReadonlySet<string> = new Set([
  "/api/self-extension/promotion",
  "/api/mode",
  "/api/kill-switch",
  "/api/login",
  "/api/logout",
  "/api/login-links",
]);

export function allowedOnStandby({ method, path }: { method: string; path: string }): boolean {
  return method === "GET" || method === "HEAD" || allowed.has(path);
}

const servingFacts = z.object({ serving: z.object({ sha: z.string() }) });

/** What only the kernel that leads knows at first hand, as far as the database repeats it. */
export async function standbyParts({ kernel, leader }: Standby) {
  const { db } = kernel.database;
  const record = await readRepositoryRecord(db);
  const row = await readAgentState(db, "self_extension:pipeline_status");
  const facts = servingFacts.safeParse(row?.value);
  const current = leader();
  const kind: "github" | "forge" = wantsGitHub(kernel.config.github) ? "github" : "forge";
  return {
    role: "standby" as const,
    leader: current === null ? null : { host: current.host, pid: current.pid, url: current.url },
    wayOut: { state: "standby" as const, because: new StandsBy(current).message, command: null },
    room: await kernel.room.look(),
    holds: [],
    move: kernel.move.describe(),
    branch: record?.baseBranch ?? "",
    serving: facts.success ? facts.data.serving.sha : null,
    body: null,
    // Who leads seals it.
    ledger: {
      size: null,
      problem: null,
      verifiedAt: null,
      verifyingSince: null,
      pushedSize: null,
      pushProblem: null,
    },
    host: {
      kind,
      webUrl: record?.webUrl ?? "",
      cloneUrl: record?.cloneUrl ?? "",
      fence: "unknown" as const,
    },
  };
}
