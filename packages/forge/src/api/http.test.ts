import { request } from "node:http";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  forgeWorld,
  openPull,
  pushBranch,
  refusal,
  requestLines,
  octokitFor,
  type ForgeWorld,
} from "../testing/forge-world.ts";

let world: ForgeWorld;
beforeAll(async () => {
  world = await forgeWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("a caller", () => {
  it("needs a token, and the right one", async () => {
    const { forge } = world;
    for (const path of ["", "/user", "/repos/local/jarvis", "/nothing"]) {
      const response = await fetch(`${forge.apiUrl}${path}`);
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ message: "Requires authentication" });
    }
    const wrong = octokitFor(forge, `${forge.token}x`);
    expect(await refusal(wrong.users.getAuthenticated())).toMatchObject({
      status: 401,
      message: "Bad credentials",
    });
    expect((await send("GET", "/user", { authorization: "Bearer " })).status).toBe(401);
    expect((await send("GET", "/user", { authorization: `token ${forge.token}` })).status).toBe(
      200,
    );
  });

  it("must call the forge by its own name", async () => {
    for (const host of ["evil.example", `evil.example:${world.forge.port}`, "127.0.0.1"]) {
      expect((await send("GET", "/user", { ...token(), host })).status).toBe(421);
    }
    const { port } = world.forge;
    expect((await send("GET", "/user", { ...token(), host: `localhost:${port}` })).status).toBe(
      200,
    );
  });

  it("must not be a page of another site", async () => {
    for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
      expect((await send("GET", "/user", { ...token(), origin })).status).toBe(403);
    }
    const origin = `http://127.0.0.1:${world.forge.port}`;
    expect((await send("GET", "/user", { ...token(), origin })).status).toBe(200);
  });
});

describe("a body", () => {
  const blobs = "/repos/local/jarvis/git/blobs";

  it("must be JSON, say so, and be an object", async () => {
    const json = { ...token(), "content-type": "application/json" };
    expect(await send("POST", blobs, json, "{")).toMatchObject({
      status: 400,
      body: { message: "Problems parsing JSON" },
    });
    expect(await send("POST", blobs, json, "[1]")).toMatchObject({
      status: 400,
      body: { message: "Body should be a JSON object" },
    });
    expect((await send("POST", blobs, json)).status).toBe(400);
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      const headers = { ...token(), "content-type": type };
      expect((await send("POST", blobs, headers, '{"content":"x"}')).status).toBe(415);
    }
    expect((await send("POST", blobs, json, '{"content":"x"}')).status).toBe(201);
  });

  it("may not be larger than the forge takes", async () => {
    const headers = {
      ...token(),
      "content-type": "application/json",
      "content-length": String(64 * 1024 * 1024),
    };
    expect((await send("POST", blobs, headers, "{}")).status).toBe(413);
  });
});

describe("an answer", () => {
  it("has an ETag, and is 304 and uncounted for who has it", async () => {
    const path = "/repos/local/jarvis/branches";
    const first = await send("GET", path, token());
    const etag = String(first.headers["etag"]);
    const again = await send("GET", path, { ...token(), "if-none-match": etag });
    expect(again.status).toBe(304);
    expect(again.text).toBe("");
    expect(again.headers["x-ratelimit-remaining"]).toBe(first.headers["x-ratelimit-remaining"]);
    await pushBranch(world, "etag", { "e.txt": "e\n" });
    const changed = await send("GET", path, { ...token(), "if-none-match": etag });
    expect(changed.status).toBe(200);
    expect(changed.headers["etag"]).not.toBe(etag);
  });

  it("names its media type, and what is left of the rate limit", async () => {
    const { headers } = await send("GET", "/user", token());
    expect(headers["x-github-media-type"]).toBe("github.v3; format=json");
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(headers["x-ratelimit-limit"]).toBe("5000");
    const next = await send("GET", "/user", token());
    expect(Number(next.headers["x-ratelimit-remaining"])).toBe(
      Number(headers["x-ratelimit-remaining"]) - 1,
    );
  });

  it("to HEAD is that to GET without its body", async () => {
    const path = "/repos/local/jarvis/branches";
    const { headers } = await send("GET", path, token());
    const head = await send("HEAD", path, token());
    expect(head).toMatchObject({ status: 200, text: "", headers: { etag: headers["etag"] } });
  });

  it("says in a sentence what is not served", async () => {
    const { octokit, repo } = world;
    for (const call of [
      () => octokit.checks.listForRef({ ...repo, ref: "main" }),
      () => octokit.issues.list(),
      () => octokit.repos.merge({ ...repo, base: "main", head: "etag" }),
    ]) {
      const { status, message } = await refusal(call());
      expect(status).toBe(404);
      expect(message).toMatch(/^Not Found: this forge serves .* but not (?:GET|POST) /u);
    }
  });

  it("links pages with what was asked for", async () => {
    const path = "/repos/local/jarvis/commits?sha=main&per_page=1";
    const { headers } = await send("GET", path, token());
    expect(headers["link"]).toBe(
      `<${world.forge.apiUrl}${path}&page=2>; rel="next", ` +
        `<${world.forge.apiUrl}${path}&page=2>; rel="last"`,
    );
  });
});

describe("the request log", () => {
  it("has one line per request, tells changes from reads, and no secret", async () => {
    const { octokit, operator, repo } = world;
    const before = (await requestLines(world)).length;
    await octokit.repos.get(repo);
    await operator.git.createBlob({ ...repo, content: "a secret body" });
    await fetch(`${world.forge.apiUrl}/user?access_token=${world.forge.token}`);
    await send("DELETE", "/repos/local/jarvis/git/refs/heads/main", token());
    await send("POST", "/user", { host: "evil.example" });
    const lines = (await requestLines(world)).slice(before);
    expect(lines).toMatchObject([
      { method: "GET", status: 200, mutation: false, actor: "jarvis[bot]" },
      { method: "POST", status: 201, mutation: true, actor: "operator" },
      { method: "GET", path: "/api/v3/user", status: 401, mutation: false, actor: null },
      { method: "DELETE", status: 422, mutation: true, actor: "jarvis[bot]" },
      { method: "POST", status: 421, mutation: true, actor: null },
    ]);
    expect(Date.parse(String(lines[0]?.["time"]))).not.toBeNaN();
    const text = JSON.stringify(await requestLines(world));
    expect(text).not.toContain(world.forge.token);
    expect(text).not.toContain("a secret body");
  });
});

describe("a page", () => {
  it("shows a hostile pull request as text, and its code to nobody without the token", async () => {
    const { octokit, repo } = world;
    const title = `<script>alert(1)</script>"'&\u202Eevil`;
    const sha = await pushBranch(
      world,
      "page/<b>x",
      { "p.txt": "<script>secret</script>\n" },
      { message: "<img src=x onerror=alert(1)>" },
    );
    await octokit.repos.createCommitStatus({
      ...repo,
      sha,
      state: "success",
      context: "<i>ci</i>",
      description: "<b>fine</b>",
    });
    const pull = await openPull(world, "page/<b>x", title);
    const { text, headers, status } = await get(pull.html_url);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-/u,
    );
    expect(text).toContain(
      "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;U+202E&gt;evil",
    );
    for (const hostile of ["<script", "<img", "<i>", "<b>", "\u202E", "secret"]) {
      expect(text).not.toContain(hostile);
    }
    const start = await get(world.forge.webUrl);
    expect(start.text).toContain(`href="${pull.html_url}"`);
    expect(start.text).not.toContain("<script");
    const commit = await get(`${world.forge.webUrl}/commit/${sha}`);
    expect(commit.text).toContain("&lt;img src=x onerror=alert(1)&gt;");
    expect(commit.text).not.toContain("<img");

    for (const url of [pull.diff_url, pull.patch_url, `${world.forge.webUrl}/commit/${sha}.diff`]) {
      const closed = await get(url);
      expect(closed.status).toBe(401);
      expect(closed.text).not.toContain("secret");
      const basic = Buffer.from(`me:${world.forge.token}`).toString("base64");
      const open = await get(url, { authorization: `Basic ${basic}` });
      expect(open.text).toContain("+<script>secret</script>");
      expect(open.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    }
    expect((await get(`${world.forge.webUrl}/pull/999`)).status).toBe(404);
    expect((await get(`${world.forge.webUrl}/commit/${"1".repeat(40)}`)).status).toBe(404);
  });
});

function token(): Record<string, string> {
  return { authorization: `Bearer ${world.forge.token}` };
}

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Below fetch, which neither sets `Host` nor lies about a length. */
function send(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{
  status: number;
  headers: Record<string, unknown>;
  text: string;
  body: Record<string, unknown>;
}> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${world.forge.apiUrl}${path}`,
      { method, headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () => {
          const type = String(response.headers["content-type"]);
          const isJson = type.startsWith("application/json") && text !== "";
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
          });
          outgoing.destroy();
        });
      },
    );
    outgoing.on("error", reject);
    if (headers["content-length"] === undefined) outgoing.end(body);
    else outgoing.write(body ?? "");
  });
}
