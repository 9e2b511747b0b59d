import { statusOf } from "./host-problem.ts";
import {
  baseObstacles,
  WORK_BRANCHES,
  workBranchObstacles,
  type BranchObstacle,
} from "./branch-obstacles.ts";
import { readBranchRules, type Protection } from "./branch-rules.ts";
import type { GitHubTarget, PipelineWorld } from "./pipeline-world.ts";
import { promotionRemote } from "./promotion-remote.ts";
import { ownerOf, readMarker } from "./repository-owner.ts";
import { readRepositoryRecord } from "./repository-record.ts";
import { identityProblem } from "./repository-standing.ts";
import { EVIDENCE_STATUS_CONTEXT } from "./run-result.ts";
import { exposedWorkflows, type WorkflowExposure, type WorkflowFile } from "./workflow-exposure.ts";

/** What the credential may do where Jarvis promotes, in the host's own words. */
export interface HostReport {
  readonly repository: string;
  readonly account: string;
  /** Such as `scope repo` of a classic token, `contents write` of an app, `push` of the repository. */
  readonly permissions: readonly string[];
  readonly protection: {
    /**
     * Whether the host itself keeps what was not verified from landing by this credential, by branch
     * protection or by rulesets.
     */
    readonly standing: "enforced" | "not-for-this-credential" | "none" | "unknown";
    readonly contexts: readonly string[];
    readonly strict: boolean;
    /** Rules that may keep Jarvis from what it does there; null where they may not be read. */
    readonly obstacles: readonly BranchObstacle[] | null;
  };
  /** Workflows that would run with what Jarvis pushes; null where they could not be read. */
  readonly workflows: readonly WorkflowExposure[] | null;
  readonly ownership: "ours" | "nobody" | "another-instance";
  /** Why this is not the repository that was connected; null where it is. */
  readonly identityProblem: string | null;
}

const WORKFLOWS = ".github/workflows";
const MOST_WORKFLOWS = 100;

/** Reads what a person should know of the host before Jarvis may promote there. Changes nothing. */
export async function inspectHost(
  world: Pick<PipelineWorld, "db" | "github">,
): Promise<HostReport> {
  const { github } = world;
  const { octokit, owner, repo } = github;
  const answer = await octokit.rest.repos.get({ owner, repo });
  const scopes = (answer.headers["x-oauth-scopes"] ?? "")
    .split(",")
    .map((scope) => scope.trim())
    .filter((scope) => scope !== "");
  const held = Object.entries(answer.data.permissions ?? {}).flatMap(([name, may]) =>
    may ? [name] : [],
  );
  const changed = await identityProblem(world);
  const protection = await promotionRemote(github).readProtection();
  return {
    repository: answer.data.full_name,
    account: (await github.whoAmI()).login,
    permissions: [
      ...scopes.map((scope) => `scope ${scope}`),
      ...(await github.appPermissions()),
      ...held,
    ],
    protection: {
      standing: standingOf(protection, held.includes("admin")),
      contexts: protection?.contexts ?? [],
      strict: protection?.strict ?? false,
      obstacles: await readObstacles(github),
    },
    workflows: await readWorkflows(world),
    ownership: await readOwnership(world),
    identityProblem: changed?.detail ?? null,
  };
}

function standingOf(
  protection: Protection | undefined,
  isAdmin: boolean,
): HostReport["protection"]["standing"] {
  if (protection === undefined) return "unknown";
  if (!protection.contexts.includes(EVIDENCE_STATUS_CONTEXT)) return "none";
  const held = isAdmin ? protection.ofEverybody : protection.ofUsers;
  return held.includes(EVIDENCE_STATUS_CONTEXT) ? "enforced" : "not-for-this-credential";
}

async function readObstacles(github: GitHubTarget): Promise<readonly BranchObstacle[] | null> {
  const base = await readBranchRules(github, github.baseBranch);
  // Rules are told for a name, whether there is such a branch or not.
  const work = await readBranchRules(github, "jarvis/change");
  if (base === undefined || work === undefined) return null;
  return [...baseObstacles(github.baseBranch, base), ...workBranchObstacles(WORK_BRANCHES, work)];
}

async function readWorkflows({
  github,
}: Pick<PipelineWorld, "github">): Promise<WorkflowExposure[] | null> {
  const { octokit, owner, repo, baseBranch } = github;
  const at = { owner, repo, ref: baseBranch };
  try {
    const { data } = await octokit.rest.repos.getContent({ ...at, path: WORKFLOWS });
    if (!Array.isArray(data) || data.length > MOST_WORKFLOWS) return null;
    const files: WorkflowFile[] = [];
    for (const { path, type } of data) {
      if (type !== "file" || !/\.ya?ml$/.test(path)) continue;
      const file = (await octokit.rest.repos.getContent({ ...at, path })).data;
      if (Array.isArray(file) || !("content" in file)) return null;
      files.push({ path, text: Buffer.from(file.content, "base64").toString("utf8") });
    }
    return exposedWorkflows(files, { pushed: "jarvis/change", base: baseBranch });
  } catch (error) {
    if (statusOf(error) === 404) return [];
    if (statusOf(error) === 403) return null;
    throw error;
  }
}

async function readOwnership(
  world: Pick<PipelineWorld, "db" | "github">,
): Promise<HostReport["ownership"]> {
  const marker = await readMarker(world.github);
  if (marker === null) return "nobody";
  const record = await readRepositoryRecord(world.db);
  const instance = await ownerOf(world.github, marker.sha);
  return instance !== null && instance === record?.instanceId ? "ours" : "another-instance";
}
