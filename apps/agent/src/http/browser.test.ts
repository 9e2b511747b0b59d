import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { addToken, revokeToken } from "@jarvis/operator-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  discardState,
  spawnKernel,
  startKernelProgram,
  type KernelProgram,
} from "../testing/kernel-program.ts";
import { plainProject, type TestRepository } from "../testing/repository.ts";

let repository: TestRepository;
let kernel: KernelProgram;
let stateDir: string;
let origin: string;

beforeAll(async () => {
  repository = plainProject();
  stateDir = join(repository.directory, ".jarvis");
  const pageDir = join(repository.directory, "page");
  mkdirSync(join(pageDir, "assets"), { recursive: true });
  writeFileSync(join(pageDir, "index.html"), "<!doctype html><title>The page</title>");
  writeFileSync(join(pageDir, "assets/app.js"), "export {};");
  writeFileSync(join(repository.directory, "secret.js"), "secret");
  kernel = await startKernelProgram({
    repo: repository.directory,
    stateDir,
    env: { JARVIS_PAGE_DIR: pageDir },
  });
  origin = kernel.url;
});

afterAll(async () => {
  await kernel.stop();
  await discardState(stateDir);
  repository.remove();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly code: string | null;
}

/** A request with every header under control. */
async function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const options = { method, headers: { "content-type": "application/json", ...headers } };
    const sent = request(`${kernel.url}${path}`, options, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      response.on("end", () => {
        const [, code = null] = /"code":"([\w-]+)"/.exec(text) ?? [];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, code });
      });
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function codeFor(token: string, role?: string): Promise<string> {
  const { text } = await ask("POST", "/api/login-links", bearer(token), { role });
  return (JSON.parse(text) as { url: string }).url.split("#")[1] ?? "";
}

/** Headers of a browser that was let in. */
async function browser(role: string): Promise<Record<string, string>> {
  const token =
    role === "approve"
      ? readFileSync(join(stateDir, "approver-token"), "utf8").trim()
      : kernel.token;
  const answer = await ask("POST", "/api/login", { origin }, { code: await codeFor(token, role) });
  const [cookie = ""] = answer.headers["set-cookie"] ?? [];
  return {
    cookie: cookie.split(";")[0] ?? "",
    "x-jarvis-key": (JSON.parse(answer.text) as { key: string }).key,
    origin,
  };
}

const pause = { paused: true, reason: "a test" };
const switchPath = "/api/self-extension/promotion";

describe("a login link", () => {
  it("lets a browser in with a cookie that no script, other site or other name is given", async () => {
    const code = await codeFor(kernel.token);
    const answer = await ask("POST", "/api/login", { origin }, { code });
    expect(answer.status).toBe(200);
    const [cookie = ""] = answer.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^jarvis-\d+=[\w-]{43}; .*HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain("Domain");
    expect(JSON.parse(answer.text)).toMatchObject({
      name: "operator",
      role: "operate",
      operations: ["read", "propose", "switch", "reject"],
    });
    // Used up.
    expect(await ask("POST", "/api/login", { origin }, { code })).toMatchObject({
      status: 401,
      code: "link-not-valid",
    });
  });

  it.each([
    ["another site", "https://evil.example"],
    ["another port of this machine", "http://127.0.0.1:1"],
    ["nobody says", undefined],
  ])("is not exchanged for a page of %s", async (_, from) => {
    const code = await codeFor(kernel.token);
    const headers: Record<string, string> = from === undefined ? {} : { origin: from };
    expect(await ask("POST", "/api/login", headers, { code })).toMatchObject({
      status: 403,
      code: "origin-not-allowed",
    });
    expect((await ask("POST", "/api/login", { origin }, { code })).status).toBe(200);
  });

  it("is made with a token, never more than it may, and not by a browser", async () => {
    expect(
      await ask("POST", "/api/login-links", bearer(kernel.token), { role: "approve" }),
    ).toMatchObject({ status: 409, code: "role-not-given" });
    expect(await ask("POST", "/api/login-links", await browser("operate"), {})).toMatchObject({
      status: 409,
      code: "token-needed",
    });
  });
});

describe("a browser that was let in", () => {
  it("may what its role may, and no more", async () => {
    const reader = await browser("read");
    expect((await ask("GET", "/api/status", reader)).status).toBe(200);
    expect(await ask("POST", switchPath, reader, pause)).toMatchObject({
      status: 403,
      code: "role-not-allowed",
    });
    expect((await ask("POST", switchPath, await browser("operate"), pause)).status).toBe(200);
    expect((await ask("POST", switchPath, await browser("approve"), pause)).code).toBe(
      "role-not-allowed",
    );
  });

  it("is not believed from another page, port or name, nor without its key", async () => {
    const { origin: _, ...headers } = await browser("operate");
    const { "x-jarvis-key": __, ...cookieOnly } = headers;
    const post = async (given: Record<string, string>) => {
      const { status, code } = await ask("POST", switchPath, given, pause);
      return [status, code];
    };
    expect(await post({ ...headers, origin })).toEqual([200, null]);
    expect(await post(headers)).toEqual([403, "origin-not-allowed"]);
    const { port } = new URL(origin);
    for (const foreign of [
      "https://evil.example",
      "http://127.0.0.1:1",
      "http://127.0.0.1",
      // Ours too, and another origin than the one that was asked.
      `http://localhost:${port}`,
      "null",
    ]) {
      expect(await post({ ...headers, origin: foreign })).toEqual([403, "origin-not-allowed"]);
    }
    expect(await post({ ...cookieOnly, origin })).toEqual([401, "signed-out"]);
    expect(await post({ ...headers, origin, host: `rebound.example:${port}` })).toEqual([
      403,
      "host-not-allowed",
    ]);
    const sameSite = { ...headers, origin, "sec-fetch-site": "same-site" };
    expect(await post(sameSite)).toEqual([403, "origin-not-allowed"]);
    // To look is refused without the key as well: a cookie goes to every port of a machine.
    expect((await ask("GET", "/api/status", cookieOnly)).status).toBe(401);
  });

  it("is out at once when the token of its link is revoked, or when it leaves", async () => {
    const token = addToken(stateDir, { name: "somebody", role: "read" });
    const code = await codeFor(token);
    const answer = await ask("POST", "/api/login", { origin }, { code });
    const headers = {
      cookie: (answer.headers["set-cookie"]?.[0] ?? "").split(";")[0] ?? "",
      "x-jarvis-key": (JSON.parse(answer.text) as { key: string }).key,
      origin,
    };
    expect((await ask("GET", "/api/whoami", headers)).text).toContain('"somebody"');
    revokeToken(stateDir, "somebody");
    expect((await ask("GET", "/api/whoami", headers)).code).toBe("signed-out");
    const other = await browser("read");
    expect((await ask("POST", "/api/logout", other)).text).toBe('{"closed":true}');
    expect((await ask("GET", "/api/whoami", other)).code).toBe("signed-out");
  });
});

describe("the page", () => {
  it("is answered with what a browser is to refuse", async () => {
    const { status, headers, text } = await ask("GET", "/runs/some-run");
    expect(status).toBe(200);
    expect(text).toContain("The page");
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    );
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-cache",
    });
    expect((await ask("GET", "/assets/app.js")).headers["cache-control"]).toContain("immutable");
  });

  it("holds no file but its own, and answers under no other name", async () => {
    for (const path of ["/secret.js", "/..%2fsecret.js", "/assets/../../secret.js", "/x.js"]) {
      expect((await ask("GET", path)).status).toBe(404);
    }
    expect((await ask("GET", "/", { host: "rebound.example" })).code).toBe("host-not-allowed");
    expect((await ask("POST", "/")).status).toBe(404);
  });
});

describe("another address than this machine's own", () => {
  it("is not listened on without a proxy in front that is named", async () => {
    const options = { repo: repository.directory, stateDir: join(repository.directory, "other") };
    const { ended } = spawnKernel({ ...options, args: ["--listen", "0.0.0.0"] });
    const { code, stderr } = await ended;
    expect(code).toBe(2);
    expect(stderr).toContain("put a proxy with TLS in front");
  });
});
