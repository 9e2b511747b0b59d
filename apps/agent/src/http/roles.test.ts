import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addToken, revokeToken, Role, type Quota } from "@jarvis/operator-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  discardState,
  startKernelProgram,
  until,
  type KernelProgram,
} from "../testing/kernel-program.ts";
import { goodPatch, plainProject, type TestRepository } from "../testing/repository.ts";

let repository: TestRepository;
let kernel: KernelProgram;
let stateDir: string;
const tokens = new Map<Role, string>();

beforeAll(async () => {
  repository = plainProject();
  stateDir = join(repository.directory, ".jarvis");
  kernel = await startKernelProgram({ repo: repository.directory, stateDir });
  for (const role of Role.options)
    tokens.set(role, addToken(stateDir, { name: `a-${role}`, role }));
});

afterAll(async () => {
  await kernel.stop();
  await discardState(stateDir);
  repository.remove();
});

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: { error?: { code: string; message: string } } & Record<string, unknown>;
}

async function ask(token: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${kernel.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (isStream) await response.body?.cancel();
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    body: isStream ? {} : ((await response.json()) as Answer["body"]),
  };
}

const as = (role: Role): string => tokens.get(role) ?? "";
const approver = (): string => readFileSync(join(stateDir, "approver-token"), "utf8").trim();

// Written down here once more, by hand: the table of the program must say the same.
const everybody = Role.options;
const routes: Readonly<Record<string, readonly Role[]>> = {
  "get /api/actions": everybody,
  "get /api/actions/{id}": everybody,
  "get /api/audit": everybody,
  "get /api/events": everybody,
  "get /api/goals": everybody,
  "get /api/goals/{id}": everybody,
  "get /api/holds": everybody,
  "get /api/host": ["operate"],
  "get /api/ledger": everybody,
  "get /api/releases": everybody,
  "get /api/runs": everybody,
  "get /api/runs/{id}": everybody,
  "get /api/runs/{id}/patch": everybody,
  "get /api/runs/{id}/reasons": everybody,
  "get /api/self-extension": everybody,
  "get /api/sessions": everybody,
  "get /api/status": everybody,
  "get /api/stream": everybody,
  "get /api/trends": everybody,
  "get /api/whoami": everybody,
  "post /api/accept": ["operate"],
  "post /api/actions/{id}/approve": ["approve"],
  "post /api/actions/{id}/cancel": ["operate"],
  "post /api/actions/{id}/reject": ["operate", "approve"],
  "post /api/goals": ["operate"],
  "post /api/goals/{id}/{move}": ["operate"],
  "post /api/holds/{id}/lift": ["operate"],
  "post /api/kill-switch": ["operate"],
  "post /api/ledger/verify": ["operate"],
  "post /api/login-links": everybody,
  "post /api/logout": everybody,
  "post /api/mode": ["operate"],
  "post /api/proposals": ["propose", "operate"],
  "post /api/recover": ["operate"],
  "post /api/rollback": ["operate"],
  "post /api/self-extension/promotion": ["operate"],
  "post /api/sessions/{id}/release": ["operate"],
  "post /api/takeover": ["operate"],
  "post /api/tools/{name}/call": ["operate"],
};

describe("every documented route", () => {
  it("is open to the roles that it is for and to no other", async () => {
    const { body } = await ask(as("read"), "GET", "/api/openapi.json");
    const documented = Object.entries(body["paths"] as Record<string, object>).flatMap(
      ([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`),
    );
    const found: Record<string, readonly Role[]> = {};
    for (const route of documented) {
      // For whoever has the code of a link, whatever token they send: browser.test.ts.
      if (route === "post /api/login") continue;
      const [method = "", path = ""] = route.split(" ");
      const allowed: Role[] = [];
      for (const role of Role.options) {
        // A body that nothing reads: what is allowed is refused for it, and nothing happens.
        const sent = method === "post" ? {} : undefined;
        const answer = await ask(
          as(role),
          method.toUpperCase(),
          path.replace("{id}", "4711"),
          sent,
        );
        const refused = answer.body.error?.code === "role-not-allowed";
        expect({ route, role, is403: answer.status === 403 }).toEqual({
          route,
          role,
          is403: refused,
        });
        if (!refused) allowed.push(role);
      }
      found[route] = allowed;
    }
    expect(found).toEqual(
      Object.fromEntries(
        Object.entries(routes).map(([route, roles]) => [
          route,
          Role.options.filter((role) => roles.includes(role)),
        ]),
      ),
    );
  });

  it("says which role it is for", async () => {
    const { body } = await ask(as("propose"), "POST", "/api/mode", {
      mode: "execute",
      reason: "x",
    });
    expect(body.error?.message).toBe(
      "a-propose has the role propose; POST /api/mode is for the role operate.",
    );
    expect((await ask(as("read"), "GET", "/api/status")).body["safety"]).toMatchObject({
      mode: "observe",
    });
  });
});

describe("a token", () => {
  it("is nobody's as soon as it is revoked", async () => {
    const token = addToken(stateDir, { name: "short-lived", role: "read" });
    expect((await ask(token, "GET", "/api/status")).status).toBe(200);
    revokeToken(stateDir, "short-lived");
    expect(await ask(token, "GET", "/api/status")).toMatchObject({
      status: 401,
      body: { error: { code: "unauthorized" } },
    });
  });

  it("counts for nobody while the file is damaged, and the switches still work", async () => {
    const path = join(stateDir, "tokens.json");
    const kept = readFileSync(path, "utf8");
    writeFileSync(path, kept.slice(1));
    expect(await ask(as("operate"), "GET", "/api/status")).toMatchObject({
      status: 401,
      body: { error: { code: "tokens-unreadable" } },
    });
    expect((await ask(kernel.token, "GET", "/api/status")).status).toBe(200);
    writeFileSync(path, kept);
    expect((await ask(as("operate"), "GET", "/api/status")).status).toBe(200);
  });

  it("is who acts: its name is recorded, whatever the request says", async () => {
    const body = { patch: goodPatch(repository, "by-name"), actor: "root", actorSource: "system" };
    const { body: accepted } = await ask(as("propose"), "POST", "/api/proposals", body);
    const runId = String(accepted["runId"]);
    await kernel.outcome(runId);
    const { body: detail } = await ask(as("read"), "GET", `/api/runs/${runId}`);
    for (const event of detail["events"] as { context: object }[]) {
      expect(event.context).toMatchObject({ actor: "a-propose", actorSource: "user" });
    }
    await ask(as("operate"), "POST", "/api/mode", { mode: "observe", reason: "named" });
    const { body: page } = await ask(as("read"), "GET", "/api/audit?eventType=mode_change");
    expect((page["events"] as object[]).at(-1)).toMatchObject({
      actor: "user",
      eventData: { by: "a-operate", reason: "named" },
    });
  });
});

it("a proposer is refused beyond its quota, from the ledger, with when to come again", async () => {
  const token = addToken(stateDir, { name: "eager", role: "propose" });
  setQuota("eager", { perMinute: 1, perHour: 5, bytesPerHour: 1_000_000, open: 5 });
  const propose = async (name: string) =>
    await ask(token, "POST", "/api/proposals", { patch: goodPatch(repository, name) });
  const [one, two] = await Promise.all([propose("quota1"), propose("quota2")]);
  expect(new Set([one.status, two.status])).toEqual(new Set([202, 429]));
  const refused = one.status === 429 ? one : two;
  expect(refused.body.error?.code).toBe("quota-exceeded");
  expect(refused.body.error?.message).toMatch(/quota of eager .* try again in \d+ s/);
  expect(Number(refused.retryAfter)).toBeGreaterThan(0);
  setQuota("eager", { perMinute: 9, perHour: 9, bytesPerHour: 10, open: 9 });
  expect((await propose("quota3")).status).toBe(429);
  setQuota("eager", { perMinute: 9, perHour: 9, bytesPerHour: 1_000_000, open: 9 });
  expect((await propose("quota3")).status).toBe(202);
});

describe("a change that needs a person", () => {
  it("is approved as it was shown, by somebody who did not propose it, while Jarvis may act", async () => {
    const proposer = addToken(stateDir, { name: "ada", role: "propose" });
    const { runId, action } = await waitingFor(proposer, "one");
    expect(action).toMatchObject({
      actionName: "release_change",
      requestedBy: "ada",
      parameters: { runId, reasons: ["evaluator-changed"] },
    });
    const approve = async (token: string, digest = action.digest) =>
      await ask(token, "POST", `/api/actions/${action.id}/approve`, { digest });
    expect((await approve(approver())).body.error?.code).toBe("observe-only");
    await ask(as("operate"), "POST", "/api/mode", { mode: "execute", reason: "release" });

    expect((await approve(as("operate"))).status).toBe(403);
    const other = `sha256:${"0".repeat(64)}`;
    expect((await approve(approver(), other)).body.error?.code).toBe("changed");
    revokeToken(stateDir, "ada");
    const promoted = addToken(stateDir, { name: "ada", role: "approve" });
    expect((await approve(promoted)).body.error?.code).toBe("self-approval");

    const { status, body } = await approve(approver());
    expect({ status, execution: body["execution"] }).toMatchObject({
      status: 200,
      execution: { outcome: "completed" },
    });
    expect(body["action"]).toMatchObject({ state: "completed", approvedBy: "approver" });
    expect((await approve(approver())).body.error?.code).toBe("not-approvable");
    await until(async () => {
      const { body: detail } = await ask(as("read"), "GET", `/api/runs/${runId}`);
      return (detail["run"] as { attempt: number }).attempt > 1 ? true : null;
    });
  });

  it("is rejected for good, and what happened is on record", async () => {
    const proposer = addToken(stateDir, { name: "bob", role: "propose" });
    const { action } = await waitingFor(proposer, "two");
    const reject = async () =>
      await ask(approver(), "POST", `/api/actions/${action.id}/reject`, {
        reason: "not like this",
      });
    expect((await reject()).body["action"]).toMatchObject({ state: "rejected" });
    expect((await reject()).body.error?.code).toBe("not-rejectable");
    const cancel = { reason: "too late" };
    expect(
      (await ask(as("operate"), "POST", `/api/actions/${action.id}/cancel`, cancel)).body.error
        ?.code,
    ).toBe("not-cancellable");
    const { body } = await ask(as("read"), "GET", `/api/actions/${action.id}`);
    expect((body["events"] as { eventType: string }[]).map(({ eventType }) => eventType)).toEqual([
      "proposed",
      "validated",
      "rejected",
    ]);
  });

  it("is listed in pages, newest first, and the ledger of it oldest first", async () => {
    const list = async (query: string) =>
      (await ask(as("read"), "GET", `/api/actions?${query}`)).body["actions"] as { id: number }[];
    const all = await list("limit=500");
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted((a, b) => b - a));
    const [first, second] = all;
    const page = await list(`limit=1&before=${first?.id}`);
    expect(page.map(({ id }) => id)).toEqual([second?.id]);
    const audit = async (query: string) =>
      (await ask(as("read"), "GET", `/api/audit?${query}`)).body["events"] as { id: number }[];
    const [oldest, next] = await audit("limit=2");
    expect(await audit(`limit=1&after=${oldest?.id}`)).toEqual([next]);
  });
});

interface Shown {
  readonly id: number;
  readonly digest: string;
  readonly parameters: { runId?: string };
}

/** Hands in a change of the project's test, and answers the action that asks a person for it. */
async function waitingFor(token: string, name: string): Promise<{ runId: string; action: Shown }> {
  const patch = repository.patch({
    "test/add.test.js": `// ${name}\n${readFileSync(join(repository.directory, "test/add.test.js"), "utf8")}`,
  });
  const { body } = await ask(token, "POST", "/api/proposals", { patch });
  const runId = String(body["runId"]);
  const action = await until(async () => {
    const answer = await ask(as("read"), "GET", "/api/actions?state=validated");
    const actions = answer.body["actions"] as Shown[];
    return actions.find(({ parameters }) => parameters.runId === runId) ?? null;
  });
  return { runId, action };
}

function setQuota(name: string, quota: Quota): void {
  const path = join(stateDir, "tokens.json");
  const records = JSON.parse(readFileSync(path, "utf8")) as { name: string }[];
  const changed = records.map((record) => (record.name === name ? { ...record, quota } : record));
  writeFileSync(path, JSON.stringify(changed));
}
