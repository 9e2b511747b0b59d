import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clearFaults, orderFault, validateAgainstGitHub } from "@jarvis/forge/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { letTimePass } from "../testing/fault-sweep.ts";
import {
  at,
  makePromotionWorld,
  onRequest,
  type PromotionWorld,
} from "../testing/promotion-world.ts";
import { appCredentials, tokenInFile, type HostCredentials } from "./host-credentials.ts";
import { inspectHost } from "./host-report.ts";
import { promotionFence } from "./promotion-fence.ts";
import { budgetProblem, hostReadyAt } from "./rate-budget.ts";
import { forgetRepository, readRepositoryRecord, replaceRepository } from "./repository-record.ts";
import { repositoryProblem } from "./repository-standing.ts";
import { readRunResult } from "./runs.ts";
import { TAKE_OVER } from "./take-over.ts";

// One forge for all: a token file, or an app, may sign for it.
const APP_ID = 4711;
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = (key: KeyObject): string =>
  key.export({ type: key.type === "public" ? "spki" : "pkcs1", format: "pem" }).toString();

let directory: string;
let tokenFile: string;
let keyFile: string;
let suite: PromotionWorld;
/** A verified change that waits for the host: what it is parked by shows what is looked at first. */
let held: { runId: string; stagedSha: string; attempt: number };
/** What signs now. */
let signer: HostCredentials;
let byToken: HostCredentials;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-host-"));
  tokenFile = join(directory, "token");
  keyFile = join(directory, "key.pem");
  byToken = tokenInFile(tokenFile);
  suite = await makePromotionWorld(
    {},
    {
      forge: { faults: true, app: { id: APP_ID, publicKey: pem(keys.publicKey) } },
      credentials(forge) {
        writeFileSync(tokenFile, `${forge.token}\n`);
        signer = byToken;
        return {
          token: async () => await signer.token(),
          refused: async (token) => await signer.refused(token),
          appToken: async () => await signer.appToken(),
        };
      },
    },
  );
  // The first one says on the host whose repository it is.
  await suite.world.propose(suite.patch());
  const runId = await suite.world.submit(suite.patch());
  const { stagedSha } = await suite.world.steps.stage(runId, 1);
  await suite.world.steps.verify(runId, stagedSha ?? "");
  held = { runId, stagedSha: stagedSha ?? "", attempt: 0 };
});

afterEach(() => {
  signer = byToken;
});

afterAll(async () => {
  await suite.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Tries to promote the held change, and makes sure that nothing at all was changed by that. */
async function tryHeld(): Promise<{ reasons: readonly string[]; error: string | null }> {
  // Asking for a token changes nothing of the repository.
  const changes = () => suite.world.mutations().filter(({ path }) => path.includes("/repos/"));
  const before = changes().length;
  held.attempt += 1;
  const { runId, stagedSha, attempt } = held;
  const { promoted, reasons } = await suite.world.steps.promote(runId, stagedSha, attempt);
  expect(promoted).toBe(false);
  expect(changes()).toHaveLength(before);
  return { reasons, error: (await readRunResult(suite.world.db, runId))?.error ?? null };
}

describe("a token in a file", () => {
  it("parks what it does not open, and is read again when it was replaced", async () => {
    writeFileSync(tokenFile, "wrong\n");
    expect(await tryHeld()).toMatchObject({
      reasons: ["github-not-connected"],
      error: expect.stringContaining("refused the credentials (401)") as string,
    });
    writeFileSync(tokenFile, "");
    expect((await tryHeld()).error).toContain(`The file ${tokenFile} with the token is empty`);
    rmSync(tokenFile);
    expect((await tryHeld()).error).toContain("cannot be read");
    writeFileSync(tokenFile, `${suite.world.forge.token}\n`);
    expect(await repositoryProblem(suite.world)).toBeNull();
  });

  it("that was replaced between two requests is used for the same request again", async () => {
    const { forge, github } = suite.world;
    let reads = 0;
    const token = async () => await Promise.resolve((reads += 1) === 1 ? "outdated" : forge.token);
    signer = { ...byToken, token, refused: async (old) => (await token()) !== old };
    expect((await github.octokit.rest.repos.get(at)).status).toBe(200);
    expect(reads).toBeGreaterThan(1);
  });
});

describe("a GitHub App", () => {
  it("promotes as its bot with tokens that it renews when the host forgot them", async () => {
    const { octokit, whoAmI, appPermissions } = suite.world.github;
    const contract = validateAgainstGitHub(octokit);
    writeFileSync(keyFile, pem(keys.privateKey));
    const { apiUrl } = suite.world.forge;
    const app = { apiUrl, appId: String(APP_ID), privateKeyFile: keyFile };
    signer = appCredentials({ ...app, installationId: 1 });
    expect((await whoAmI()).login).toBe("jarvis[bot]");
    expect(await appPermissions()).toContain("contents write");
    const before = await signer.token();
    await (
      await suite.world.stopForge()
    )();
    expect((await suite.world.propose(suite.patch())).result).toMatchObject({ success: true });
    expect(await signer.token()).not.toBe(before);

    signer = appCredentials({ ...app, installationId: 2 });
    expect((await tryHeld()).error).toContain("no installation 2 (404)");
    writeFileSync(keyFile, "no key");
    signer = appCredentials({ ...app, installationId: 1 });
    expect(await tryHeld()).toMatchObject({
      reasons: ["github-not-connected"],
      error: expect.stringContaining("does not sign") as string,
    });
    expect(contract.violations).toEqual([]);
  });
});

interface StatusAnswer {
  readonly data: { readonly url: string; readonly description: string };
}

it("counts no status of our name but our own about this evidence, and writes it again", async () => {
  const { base } = await suite.host();
  const runId = await suite.world.submit(suite.patch());
  const others = [
    { writer: suite.operator, description: null },
    { writer: suite.world.github.octokit, description: "Verified by itself" },
  ];
  for (const [index, { writer, description }] of others.entries()) {
    const stop = onRequest(suite.world, async (call, send) => {
      const answer = await send();
      if (call.method !== "POST" || call.context !== "jarvis/sandbox") return answer;
      stop();
      const { url, description: ours } = (answer as StatusAnswer).data;
      await writer.rest.repos.createCommitStatus({
        ...at,
        sha: /statuses\/([0-9a-f]{40})/.exec(url)?.[1] ?? "",
        state: "success",
        context: "jarvis/sandbox",
        description: description ?? ours,
      });
      return answer;
    });
    const { result } = await suite.world.attempt(runId, index + 1);
    expect(result).toMatchObject({ status: "parked", blockReasons: ["status-missing"] });
    expect((await suite.host()).base).toBe(base);
  }
  expect((await suite.world.attempt(runId, 3)).result.success).toBe(true);
});

describe("the rate limit", () => {
  it("is asked before a promotion, which is not begun where it does not suffice", async () => {
    const { db, forge } = suite.world;
    await orderFault(forge, {
      match: { login: "jarvis[bot]", path: "/rate_limit" },
      fault: { kind: "rate-budget", remaining: 20 },
    });
    expect(await tryHeld()).toMatchObject({
      reasons: ["rate-budget-low"],
      error: expect.stringContaining("leaves 20 requests") as string,
    });
    const until = await hostReadyAt(db);
    expect(until?.getTime()).toBeGreaterThan(Date.now() + 3_000_000);

    // What it said is in the database: also another process asks nothing before that.
    await clearFaults(forge);
    const calls: string[] = [];
    const stop = onRequest(suite.world, async ({ url }, send) => {
      calls.push(url);
      return await send();
    });
    expect((await tryHeld()).reasons).toEqual(["rate-budget-low"]);
    stop();
    expect(calls).toEqual([]);
    await letTimePass(db);
    expect(await budgetProblem(suite.world, 20)).toBeNull();
  });

  it("that is met in a promotion parks it until the host has said, and nothing is made twice", async () => {
    const { db, forge } = suite.world;
    const runId = await suite.world.submit(suite.patch());
    const limits = [
      ["pulls/create", { kind: "primary-limit", resetInSeconds: 1800 }, 1800],
      [
        "repos/create-commit-status",
        { kind: "secondary-limit", status: 429, retryAfterSeconds: 90 },
        90,
      ],
    ] as const;
    for (const [index, [operation, fault, seconds]] of limits.entries()) {
      await orderFault(forge, { match: { login: "jarvis[bot]", operation }, fault });
      const { result } = await suite.world.attempt(runId, index + 1);
      expect(result).toMatchObject({ status: "parked", blockReasons: ["rate-budget-low"] });
      const until = (await hostReadyAt(db))?.getTime() ?? 0;
      expect(Math.abs(until - Date.now() - seconds * 1000)).toBeLessThan(30_000);
      await clearFaults(forge);
      await letTimePass(db);
    }
    const { headSha, success } = (await suite.world.attempt(runId, 3)).result;
    expect(success).toBe(true);
    const { pulls } = await suite.host();
    expect(pulls.filter(({ head }) => head === headSha)).toHaveLength(1);
  });
});

describe("the repository", () => {
  it("under another name is sent nothing, while changes are verified on", async () => {
    const start = await suite.world.stopForge();
    await start({ repository: "renamed", formerNames: ["project"] });
    expect(await tryHeld()).toMatchObject({
      reasons: ["repository-identity-changed"],
      error: expect.stringContaining("was renamed") as string,
    });
    const run = await suite.world.propose(suite.patch());
    expect(run.state.testsPassed).toBe(true);
    expect(run.result.blockReasons).toEqual(["repository-identity-changed"]);
    await (
      await suite.world.stopForge()
    )();
    expect(await repositoryProblem(suite.world)).toBeNull();
  });

  it("with another default branch or another id is sent nothing", async () => {
    await (
      await suite.world.stopForge()
    )({ defaultBranch: "trunk" });
    expect(await tryHeld()).toMatchObject({
      reasons: ["repository-identity-changed"],
      error: expect.stringContaining("default branch is trunk, connected was main") as string,
    });
    await (
      await suite.world.stopForge()
    )();
    const { instanceId: _, ...facts } = await recordNow();
    const marked = { ...facts, markerSha: facts.markerSha ?? "" };
    await replaceRepository(suite.world.db, { ...marked, repositoryId: 1 });
    const other = await tryHeld();
    expect(other.reasons).toEqual(["repository-identity-changed"]);
    expect(other.error).toMatch(/has the id \d+, connected was 1/);
    await replaceRepository(suite.world.db, marked);
    expect(await repositoryProblem(suite.world)).toBeNull();
  });

  it("belongs to the first database, until another one takes it over for a reason", async () => {
    const { db } = suite.world;
    const ours = await recordNow();
    // A database that was made anew knows nothing of its own from before.
    await forgetRepository(db);
    expect((await tryHeld()).reasons).toEqual(["repository-owned"]);
    expect((await inspectHost(suite.world)).ownership).toBe("another-instance");
    expect(await takeOver("the old machine is gone")).toMatchObject({
      outcome: "completed",
      result: { before: ours.instanceId, restartNeeded: false },
    });
    expect(await repositoryProblem(suite.world)).toBeNull();
    expect((await recordNow()).instanceId).not.toBe(ours.instanceId);

    // The one before is told at its next look, also where its row says that it was the owner.
    const { instanceId: _, ...facts } = ours;
    await forgetRepository(db);
    await replaceRepository(db, { ...facts, markerSha: ours.markerSha ?? "" });
    expect((await tryHeld()).reasons).toEqual(["repository-owned"]);
    expect(await takeOver("it was wrong")).toMatchObject({ outcome: "completed" });
    expect((await inspectHost(suite.world)).ownership).toBe("ours");
  });

  it("can be taken over when its default branch is another one", async () => {
    await (
      await suite.world.stopForge()
    )({ defaultBranch: "trunk" });
    expect(await takeOver("trunk is right")).toMatchObject({
      outcome: "completed",
      result: { baseBranch: "trunk", before: null, restartNeeded: true },
    });
    await (
      await suite.world.stopForge()
    )();
    expect((await repositoryProblem(suite.world))?.reason).toBe("repository-identity-changed");
    expect(await takeOver("main is right")).toMatchObject({ result: { restartNeeded: false } });
    expect(await repositoryProblem(suite.world)).toBeNull();
  });
});

it("verifies on while the host is away, and what waited lands when it is back", async () => {
  const start = await suite.world.stopForge();
  expect((await tryHeld()).reasons).toEqual(["github-not-connected"]);
  const run = await suite.world.propose(suite.patch());
  expect(run.result).toMatchObject({ status: "parked", blockReasons: ["github-not-connected"] });
  expect(run.state.testsPassed).toBe(true);
  expect(run.state.readyAt).not.toBeNull();
  await start();
  const { result } = await suite.world.attempt(held.runId, held.attempt + 1);
  expect(result.success).toBe(true);
  const behind = await suite.world.attempt(run.state.runId, 2);
  expect(behind.result).toMatchObject({ success: true });
  expect(behind.state.baseSha).not.toBe(run.state.baseSha);
});

describe("what is told of the host", () => {
  it("names the account, what it may do, what the base asks for, and who promotes there", async () => {
    const report = await inspectHost(suite.world);
    expect(report).toMatchObject({
      repository: "local/project",
      account: "jarvis[bot]",
      protection: { standing: "enforced", strict: true },
      workflows: [],
      ownership: "ours",
      identityProblem: null,
    });
    expect(report.permissions).toEqual(["push", "triage", "pull"]);
    expect(report.protection.contexts).toContain("jarvis/sandbox");
  });

  it("says where an administrator is not held to the protection, and where there is none", async () => {
    const { forge } = suite.world;
    const protect = {
      ...at,
      branch: "main",
      required_pull_request_reviews: null,
      restrictions: null,
    };
    const checks = { strict: true, contexts: ["jarvis/sandbox", "jarvis/promotion"] };
    await suite.operator.rest.repos.updateBranchProtection({
      ...protect,
      required_status_checks: checks,
      enforce_admins: false,
    });
    writeFileSync(tokenFile, forge.operatorToken);
    const report = await inspectHost(suite.world);
    expect(report.protection.standing).toBe("not-for-this-credential");
    expect(report.permissions).toEqual(expect.arrayContaining(["scope repo", "admin"]));
    await suite.operator.rest.repos.deleteBranchProtection({ ...at, branch: "main" });
    expect((await inspectHost(suite.world)).protection.standing).toBe("none");
    await suite.operator.rest.repos.updateBranchProtection({
      ...protect,
      required_status_checks: checks,
      enforce_admins: true,
    });
    expect((await inspectHost(suite.world)).protection.standing).toBe("enforced");
    writeFileSync(tokenFile, forge.token);
  });

  it("takes what a ruleset asks of the base as it takes its protection", async () => {
    const contexts = ["jarvis/sandbox", "jarvis/promotion"];
    const { rest } = suite.operator;
    await rest.repos.deleteBranchProtection({ ...at, branch: "main" });
    const fence = promotionFence(suite.world.github);
    expect(await fence.state()).toBe("none");
    const guard = async (...asked: string[]): Promise<number> => {
      const parameters = {
        strict_required_status_checks_policy: true,
        required_status_checks: asked.map((context) => ({ context })),
      };
      const { data } = await rest.repos.createRepoRuleset({
        ...at,
        name: "guard",
        enforcement: "active",
        conditions: { ref_name: { include: ["~DEFAULT_BRANCH"], exclude: [] } },
        rules: [{ type: "required_status_checks", parameters }, { type: "non_fast_forward" }],
      });
      return data.id;
    };
    await guard(...contexts);
    expect(await fence.state()).toBe("enforced");
    expect((await inspectHost(suite.world)).protection).toEqual({
      standing: "enforced",
      contexts,
      strict: true,
      obstacles: [],
    });
    const promoted = await suite.world.propose(suite.patch());
    expect(promoted.result).toMatchObject({ success: true });
    // Somebody else's check holds a change up as one of the protection would.
    const ruleset = await guard("ci");
    const parked = await suite.world.propose(suite.patch());
    expect(parked.result).toMatchObject({ status: "parked", blockReasons: ["status-missing"] });
    expect(parked.state.blockDetail).toContain("ci is missing");
    await rest.repos.deleteRepoRuleset({ ...at, ruleset_id: ruleset });
    expect((await suite.world.attempt(parked.state.runId, 2)).result.success).toBe(true);
  });

  it("names rules of the base and of its own branches that it could fail at", async () => {
    const make = async (include: string, type: "update" | "deletion"): Promise<number> => {
      const { data } = await suite.operator.rest.repos.createRepoRuleset({
        ...at,
        name: type,
        enforcement: "active",
        conditions: { ref_name: { include: [include], exclude: [] } },
        rules: [{ type }],
      });
      return data.id;
    };
    const made = [
      await make("refs/heads/main", "update"),
      await make("refs/heads/jarvis/**", "deletion"),
    ];
    const { obstacles } = (await inspectHost(suite.world)).protection;
    expect(obstacles?.map(({ branch, rule }) => `${branch} ${rule}`)).toEqual([
      "main update",
      "jarvis/** deletion",
    ]);
    // What the doctor foresees is what happens: the host refuses, and nothing lands.
    const refused = await suite.world.propose(suite.patch());
    expect(refused.result.blockReasons).toEqual(["landing-refused"]);
    for (const id of made) {
      await suite.operator.rest.repos.deleteRepoRuleset({ ...at, ruleset_id: id });
    }
  });
});

async function recordNow() {
  const record = await readRepositoryRecord(suite.world.db);
  if (record === null) throw new Error("nothing is recorded");
  return record;
}

async function takeOver(reason: string) {
  return await suite.world.executor.perform({
    actionName: TAKE_OVER,
    parameters: {},
    reason,
    requester: { kind: "user", name: "anna" },
    agentId: null,
    sessionId: `takeover:${reason}`,
  });
}
