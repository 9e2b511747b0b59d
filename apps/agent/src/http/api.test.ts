import { request } from "node:http";
import { join } from "node:path";
import { runResult } from "@jarvis/tools/self-extension";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { discardState, startKernelProgram, type KernelProgram } from "../testing/kernel-program.ts";
import { goodPatch, plainProject, type TestRepository } from "../testing/repository.ts";

let repository: TestRepository;
let kernel: KernelProgram;
let stateDir: string;

beforeAll(async () => {
  repository = plainProject();
  stateDir = join(repository.directory, ".jarvis");
  kernel = await startKernelProgram({ repo: repository.directory, stateDir });
});

afterAll(async () => {
  await kernel.stop();
  await discardState(stateDir);
  repository.remove();
});

interface Answer {
  readonly status: number;
  readonly allow?: string | undefined;
  readonly body: { error?: { code: string; message: string } } & Record<string, unknown>;
}

/** A request with every header under control, `Host` included. */
async function ask(
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string; sendBody?: boolean } = {},
): Promise<Answer> {
  const headers = { authorization: `Bearer ${kernel.token}`, ...options.headers };
  return await new Promise((resolve, reject) => {
    const sent = request(`${kernel.url}${path}`, { method, headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      response.on("end", () => {
        const { statusCode: status = 0, headers: answered } = response;
        const allow = answered.allow === undefined ? {} : { allow: answered.allow };
        resolve({ status, ...allow, body: JSON.parse(text) as Answer["body"] });
        sent.destroy();
      });
    });
    sent.on("error", reject);
    if (options.sendBody === false) sent.flushHeaders();
    else sent.end(options.body);
  });
}

const json = { "content-type": "application/json" };

describe("who may ask", () => {
  it("is whoever has the token", async () => {
    expect((await ask("GET", "/api/status")).status).toBe(200);
  });

  it.each([
    ["no token", { authorization: "" }],
    ["another token", { authorization: `Bearer ${"x".repeat(43)}` }],
    ["the token without its scheme", () => ({ authorization: kernel.token })],
    ["the token as a Basic login", () => ({ authorization: `Basic ${kernel.token}` })],
  ])("is not who sends %s: 401", async (_, headers) => {
    const sent = typeof headers === "function" ? headers() : headers;
    for (const path of ["/api/status", "/api/openapi.json", "/api/nothing"]) {
      expect(await ask("GET", path, { headers: sent })).toMatchObject({
        status: 401,
        body: { error: { code: "unauthorized" } },
      });
    }
  });

  it.each([
    ["a foreign Host", { host: "rebound.example:4270" }, "host-not-allowed"],
    ["a page of another site", { origin: "https://evil.example" }, "origin-not-allowed"],
    ["a page without an origin", { origin: "null" }, "origin-not-allowed"],
  ])("is not %s, even with the token: 403", async (_, headers, code) => {
    expect(await ask("GET", "/api/status", { headers })).toMatchObject({
      status: 403,
      body: { error: { code } },
    });
  });

  it("is a page of this very API", async () => {
    expect((await ask("GET", "/api/status", { headers: { origin: kernel.url } })).status).toBe(200);
  });
});

describe("what cannot be read is a Problem and changes nothing", () => {
  it.each([
    ["JSON that is cut off", "/api/kill-switch", '{"reason": "x'],
    ["no body", "/api/mode", ""],
    ["another type", "/api/self-extension/promotion", '{"paused": "yes", "reason": "x"}'],
    ["an unknown mode", "/api/mode", '{"mode": "yolo", "reason": "x"}'],
    ["a blank reason", "/api/kill-switch", '{"reason": "  "}'],
    [
      "a reason that no database can keep",
      "/api/mode",
      String.raw`{"mode":"observe","reason":"a\u0000"}`,
    ],
    ["half a character", "/api/mode", String.raw`{"mode":"observe","reason":"\ud800"}`],
    ["no patch", "/api/proposals", "{}"],
    ["a patch that is none", "/api/proposals", '{"patch": "hello"}'],
    ["a commit that is none", "/api/accept", '{"sha": "HEAD"}'],
    ["a session that is none", "/api/sessions/%00/release", '{"reason": "x"}'],
    [
      "an input that no database can keep",
      "/api/tools/echo/call",
      String.raw`{"input":{"text":"a\u0000"}}`,
    ],
    ["no reason to cancel", "/api/actions/1/cancel", "{}"],
    ["an action that is none", "/api/actions/one/cancel", '{"reason": "x"}'],
  ])("%s: 400", async (_, path, body) => {
    const before = await ask("GET", "/api/events?limit=500");
    const answer = await ask("POST", path, { headers: json, body });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.code).toMatch(/^(?:invalid-|malformed-proposal$)/);
    expect(answer.body.error?.message).toMatch(/\S/);
    expect(JSON.stringify(answer.body)).not.toMatch(/ at .*\.(js|ts):/);
    expect((await ask("GET", "/api/events?limit=500")).body).toEqual(before.body);
  });

  it("a body that does not say that it is JSON: 415", async () => {
    const body = '{"mode": "execute", "reason": "x"}';
    const answer = await ask("POST", "/api/mode", {
      headers: { "content-type": "text/plain" },
      body,
    });
    expect(answer).toMatchObject({ status: 415, body: { error: { code: "invalid-request" } } });
    const status = await ask("GET", "/api/status");
    expect(status.body["safety"]).toMatchObject({ mode: "observe" });
  });

  it.each([
    "/api/runs?limit=none",
    "/api/runs?limit=501",
    "/api/events?after=-1",
    "/api/events?after=99999999999999999999999999",
    "/api/events?type=%00",
    "/api/events?type=nonsense",
    "/api/events?actor=%00",
    "/api/goals?before=%00",
    "/api/goals/%00",
    "/api/runs/%00",
    "/api/actions?state=done",
    "/api/actions?before=0",
    "/api/actions/0",
    "/api/audit?eventType=nothing",
    "/api/audit?after=-1",
  ])("%s: 400", async (path) => {
    const answer = await ask("GET", path);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "invalid-request" } } });
  });

  it("a body beyond the limit: 413", async () => {
    // Refused by what it says of itself: nobody waits for the rest.
    const headers = { ...json, "content-length": String(41 * 2 ** 20) };
    const answer = await ask("POST", "/api/proposals", { headers, sendBody: false });
    expect(answer).toMatchObject({ status: 413, body: { error: { code: "too-large" } } });
  });

  it("a login that is longer than a code: 413, before anybody reads it", async () => {
    const headers = { ...json, origin: kernel.url, "content-length": String(5000) };
    const answer = await ask("POST", "/api/login", { headers, sendBody: false });
    expect(answer).toMatchObject({ status: 413, body: { error: { code: "too-large" } } });
  });

  it.each([
    ["GET", "/api/runs?limit=none", "", "expected a whole number"],
    ["GET", "/api/runs?limit=1.5", "", "expected a whole number"],
    ["GET", "/api/actions/one", "", "expected a whole number"],
    ["POST", "/api/mode", String.raw`{"mode":"observe","reason":"\ud800"}`, "lone surrogates"],
    ["POST", "/api/mode", null, "content-type: application/json"],
  ])("%s %s %s is told what was expected", async (method, path, body, expected) => {
    const headers = body === null ? { "content-type": "text/plain" } : json;
    const answer = await ask(method, path, { headers, body: body ?? "{}" });
    expect(answer.body.error?.message).toContain(expected);
    expect(answer.body.error?.message).not.toContain("NaN");
  });

  it.each([
    ["DELETE", "/api/runs", "GET"],
    ["GET", "/api/kill-switch", "POST"],
    ["PUT", "/api/goals", "GET, POST"],
    ["DELETE", "/api/actions/4711", "GET"],
  ])("%s %s: 405, and by which it is asked", async (method, path, allow) => {
    const answer = await ask(method, path);
    expect(answer).toMatchObject({
      status: 405,
      allow,
      body: { error: { code: "method-not-allowed" } },
    });
  });

  it.each([
    ["GET", "/api/nothing", ""],
    ["GET", "/api/runs/01990000-0000-7000-8000-000000000000", ""],
    ["POST", "/api/accept", JSON.stringify({ sha: "a".repeat(40) })],
    ["GET", "/api/actions/4711", ""],
    ["POST", "/api/actions/4711/cancel", '{"reason":"x"}'],
  ])("%s %s: 404", async (method, path, body) => {
    const answer = await ask(method, path, { headers: json, body });
    expect(answer.status).toBe(404);
    expect(answer.body.error?.message).toMatch(/\S/);
  });
});

it("a switch moves however long its reason is, which is cut", async () => {
  const reason = "😀".repeat(300);
  const kept = `${"😀".repeat(249)}…`;
  for (const [path, change] of [
    ["/api/self-extension/promotion", { paused: true, reason }],
    ["/api/self-extension/promotion", { paused: false, reason }],
    ["/api/mode", { mode: "execute", reason }],
    ["/api/kill-switch", { reason }],
    ["/api/mode", { mode: "observe", reason }],
  ] as const) {
    const answer = await ask("POST", path, { headers: json, body: JSON.stringify(change) });
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
  }
  const { body } = await ask("GET", "/api/status");
  expect(body).toMatchObject({ promotion: { reason: kept }, safety: { reason: kept } });
});

describe("what is answered", () => {
  it("says that it is alive and ready to whoever asks, without a token", async () => {
    const headers = { authorization: "" };
    expect(await ask("GET", "/healthz", { headers })).toEqual({
      status: 200,
      body: { status: "alive" },
    });
    expect(await ask("GET", "/readyz", { headers })).toEqual({
      status: 200,
      body: { status: "ready" },
    });
  });

  it("says in one line what each operation is for, and in closed words how things stand", async () => {
    const { body } = await ask("GET", "/api/openapi.json");
    const paths = body["paths"] as Record<string, Record<string, { summary?: string }>>;
    const unnamed = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { summary = "" }]) => summary === "" || summary.endsWith("."))
        .map(([method]) => `${method} ${path}`),
    );
    expect(unnamed).toEqual([]);
    const { schemas } = body["components"] as { schemas: Record<string, unknown> };
    for (const [schema, words] of [
      ["Run", { status: { enum: expect.arrayContaining(["parked", "blessed"]) } }],
      [
        "Status",
        {
          database: {
            properties: { guard: { enum: ["enforced", "owner-ddl-unguarded", "superuser-login"] } },
          },
        },
      ],
      ["Status", { host: { properties: { fence: { enum: ["enforced", "none", "unknown"] } } } }],
      [
        "Status",
        {
          wayOut: { properties: { state: { enum: expect.arrayContaining(["clear", "standby"]) } } },
        },
      ],
    ] as const) {
      expect(schemas[schema]).toMatchObject({ properties: words });
    }
    expect(paths["/api/proposals"]?.["post"]).toMatchObject({ responses: { 409: {}, 507: {} } });
  });

  it("is described for every route in an OpenAPI document", async () => {
    const { body } = await ask("GET", "/api/openapi.json");
    expect(body["openapi"]).toBe("3.1.0");
    const paths = body["paths"] as Record<string, Record<string, { responses: object }>>;
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(described.toSorted()).toEqual([
      "get /api/actions",
      "get /api/actions/{id}",
      "get /api/audit",
      "get /api/events",
      "get /api/goals",
      "get /api/goals/{id}",
      "get /api/holds",
      "get /api/host",
      "get /api/ledger",
      "get /api/releases",
      "get /api/runs",
      "get /api/runs/{id}",
      "get /api/runs/{id}/patch",
      "get /api/runs/{id}/reasons",
      "get /api/self-extension",
      "get /api/sessions",
      "get /api/status",
      "get /api/stream",
      "get /api/trends",
      "get /api/whoami",
      "post /api/accept",
      "post /api/actions/{id}/approve",
      "post /api/actions/{id}/cancel",
      "post /api/actions/{id}/reject",
      "post /api/goals",
      "post /api/goals/{id}/{move}",
      "post /api/holds/{id}/lift",
      "post /api/kill-switch",
      "post /api/ledger/verify",
      "post /api/login",
      "post /api/login-links",
      "post /api/logout",
      "post /api/mode",
      "post /api/proposals",
      "post /api/recover",
      "post /api/rollback",
      "post /api/self-extension/promotion",
      "post /api/sessions/{id}/release",
      "post /api/takeover",
      "post /api/tools/{name}/call",
    ]);
    for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods))) {
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining(["400", "401", "403", "404", "413", "415", "503"]),
      );
    }
    // Every reference leads somewhere.
    const references = JSON.stringify(body).matchAll(/"#\/components\/schemas\/(\w+)"/g);
    const { schemas } = body["components"] as { schemas: Record<string, unknown> };
    for (const [, name = ""] of references) expect(schemas).toHaveProperty(name);
  });

  it("keeps the result contract whole, and the actor is the token's, whatever a request says", async () => {
    const body = JSON.stringify({
      patch: goodPatch(repository, "contract"),
      toolName: "a tool",
      actor: "root",
      actorSource: "system",
    });
    const accepted = await ask("POST", "/api/proposals", { headers: json, body });
    expect(accepted.status).toBe(202);
    const runId = String(accepted.body["runId"]);
    const result = await kernel.outcome(runId);
    // Every field is there, those without a value as null.
    expect(Object.keys(result).toSorted()).toEqual(Object.keys(runResult.shape).toSorted());
    const { body: detail } = await ask("GET", `/api/runs/${runId}`);
    for (const event of detail["events"] as { context: Record<string, unknown> }[]) {
      expect(event.context).toMatchObject({
        actor: "operator",
        actorSource: "user",
        toolName: "a tool",
      });
    }
  });
});
