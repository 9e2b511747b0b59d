import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { plainFiles } from "@jarvis/tools/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeWorld, type World } from "./testing/world.ts";

const PROGRAM = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "jarvis-mcp-"));
const tokens = new Map<string, string>();
let world: World;
let http: string;
let kernelPid: number;
let stop: () => Promise<void>;

beforeAll(async () => {
  world = makeWorld(plainFiles);
  const running = await world.up();
  kernelPid = running.kernelPid;
  const server = world.start(["mcp", "--http", "0"]);
  http = (await server.firstError).replace("jarvis: MCP at ", "");
  stop = async () => {
    process.kill(server.pid, "SIGTERM");
    process.kill(running.kernelPid, "SIGTERM");
    await Promise.all([server.ended, running.ended]);
  };
  for (const role of ["read", "propose", "operate"]) {
    const { stdout } = await world.here(["token", "add", `an-${role}`, "--role", role, "--json"]);
    const { token } = JSON.parse(stdout) as { token: string };
    tokens.set(role, token);
    writeFileSync(join(directory, role), token);
  }
});

afterAll(async () => {
  await stop();
  await world.discard();
  rmSync(directory, { recursive: true });
});

describe.each(["stdio", "http"] as const)("an agent over %s", (way) => {
  it("that may propose hands a change in and watches it, and can neither stop nor let anything pass", async () => {
    const agent = await connect(way, "propose");
    expect(await toolsOf(agent)).toEqual([
      "get_run",
      "get_status",
      "list_events",
      "list_runs",
      "propose_change",
    ]);
    const patch = world.patch({ [`src/${way}.js`]: `export const by = "${way}";\n` });
    const { runId } = await call(agent, "propose_change", { patch, title: "By an agent" });
    await expect
      .poll(async () => (await call(agent, "get_run", { runId })).result.status, {
        timeout: 60_000,
      })
      .toBe("parked");
    const run = await call(agent, "get_run", { runId });
    expect(run.result.blockReasons).toEqual(["observe-only"]);
    expect(run.events[0].context).toMatchObject({ actor: "an-propose", actorSource: "user" });
    const read = await agent.readResource({ uri: `jarvis://runs/${runId}` });
    expect(JSON.stringify(read.contents)).toContain("observe-only");
    const { runs } = await call(agent, "list_runs", { limit: 1 });
    expect(runs).toMatchObject([{ runId }]);
    expect((await call(agent, "list_events", { run: runId })).events.length).toBeGreaterThan(1);
    for (const tool of ["kill", "pause_promotion", "resume", "approve"]) {
      await expect(callRaw(agent, tool, { reason: "why not" })).resolves.toMatchObject({
        isError: true,
      });
    }
    expect((await call(agent, "get_status", {})).promotion.paused).toBe(false);
  });

  it("is told why something is refused, in a sentence", async () => {
    const agent = await connect(way, "propose");
    const answer = await callRaw(agent, "propose_change", { patch: "no patch" });
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toMatch(/invalid-proposal|diff/);
    expect((await callRaw(agent, "get_run", { runId: "no-such" })).isError).toBe(true);
    expect((await callRaw(agent, "get_run", {})).isError).toBe(true);
  });
});

it.each([
  ["not a token at all", 2, "token-malformed"],
  ["x".repeat(43), 1, "unauthorized"],
])("a token file that holds %j is what is wrong, and not the kernel", async (text, code, word) => {
  const file = join(directory, "bad");
  writeFileSync(file, text);
  const ended = await world.jarvis(["mcp", "--token-file", file, "--json"]);
  expect(ended.code).toBe(code);
  expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: word } });
});

it("an agent that may read is offered no more; one that may switch can stop, and nothing else", async () => {
  const reader = await connect("stdio", "read");
  expect(await toolsOf(reader)).toEqual(["get_run", "get_status", "list_events", "list_runs"]);
  expect((await reader.listResources()).resources.map(({ uri }) => uri)).toEqual([
    "jarvis://status",
  ]);
  const { contents } = await reader.readResource({ uri: "jarvis://status" });
  expect(JSON.stringify(contents)).toContain("promotion");

  const operator = await connect("stdio", "operate");
  expect(await toolsOf(operator)).toEqual(
    expect.arrayContaining(["kill", "pause_promotion", "propose_change"]),
  );
  expect(await toolsOf(operator)).not.toEqual(expect.arrayContaining(["resume"]));
  await call(operator, "pause_promotion", { reason: "by an agent" });
  const { promotion } = await call(operator, "get_status", {});
  expect(promotion).toMatchObject({ paused: true, updatedBy: "an-operate" });
  await world.here(["mode", "execute", "--reason", "to be killed"]);
  expect((await call(operator, "get_status", {})).safety.mode).toBe("execute");
  expect(await call(operator, "kill", { reason: "by an agent" })).toMatchObject({
    cancelledCount: expect.any(Number) as number,
  });
  expect((await call(operator, "get_status", {})).safety.mode).toBe("observe");
  // After a kill nothing is done before a person has said in which mode.
  await world.here(["mode", "observe", "--reason", "seen"]);
});

// Here, since it needs the same running kernel.
describe("goals on the command line", () => {
  const goal = async (...args: string[]) => await world.here(["goal", ...args]);

  it("are added, listed, shown and moved, and say that they wait where no model is configured", async () => {
    const added = await goal("add", "Write less", "--priority", "3", "--usd", "1.5", "--json");
    const { id } = JSON.parse(added.stdout) as { id: string };
    expect((await goal("add", "Write more")).stdout).toContain("JARVIS_MODEL");
    expect((await goal("list")).stdout).toMatch(
      new RegExp(`${id} +open +3 +0 tried +0 tokens +Write less`),
    );
    const shown = JSON.parse((await goal("show", id, "--json")).stdout) as object;
    expect(shown).toMatchObject({ goal: { maxMicroUsd: 1_500_000 }, attempts: [] });
    expect((await goal("pause", id, "--reason", "later")).stdout).toContain("is paused");
    expect((await goal("show", id)).stdout).toContain("later");
    expect((await goal("resume", id, "--reason", "now")).stdout).toContain("is open");
    expect((await goal("cancel", id, "--reason", "never")).stdout).toContain("is cancelled");
    expect((await goal("cancel", id, "--reason", "never")).code).toBe(1);
    const run = await world.here(["run", "Write less"]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining("JARVIS_MODEL")]);
  });

  it.each([
    [["add"], "Name the goal"],
    [["pause", "x"], "Say why"],
    [["add", "x", "--usd", "-1"], "expected dollars"],
    [["remove", "x"], "expected add"],
  ])("%j is no request", async (args, sentence) => {
    const { code, stderr } = await goal(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)]);
  });
});

describe("nobody is let in", () => {
  it("over standard streams without a token, or with one that is none", async () => {
    const none = await world.jarvis(["mcp"]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("--token-file")]);
    writeFileSync(join(directory, "forged"), "jarvis_forged");
    const forged = await world.jarvis(["mcp", "--token-file", join(directory, "forged")]);
    expect(forged.code).toBe(1);
  });

  it("over HTTP without a token, from another site, or under another name", async () => {
    const post = async (headers: Record<string, string>): Promise<number> => {
      const response = await fetch(http, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: "{}",
      });
      return response.status;
    };
    const authorization = `Bearer ${tokens.get("propose")}`;
    expect(await post({})).toBe(401);
    expect(await post({ authorization: "Bearer jarvis_forged" })).toBe(401);
    expect(await post({ authorization, origin: "https://evil.example" })).toBe(403);
    expect(await post({ authorization })).toBe(400);
    // Whose kernel does not answer has no wrong token.
    process.kill(kernelPid, "SIGSTOP");
    const whileSilent = await post({ authorization }).finally(() => {
      process.kill(kernelPid, "SIGCONT");
    });
    expect(whileSilent).toBe(503);
  });

  it("over a port that is taken", async () => {
    const { port } = new URL(http);
    const { code, stderr } = await world.jarvis(["mcp", "--http", port]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`Port ${port} is taken`)]);
  });
});

async function connect(way: "stdio" | "http", role: string): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  const transport =
    way === "stdio"
      ? new StdioClientTransport({
          command: process.execPath,
          args: [PROGRAM, "mcp", "--token-file", join(directory, role), "--repo", world.directory],
        })
      : new StreamableHTTPClientTransport(new URL(http), {
          requestInit: { headers: { authorization: `Bearer ${tokens.get(role)}` } },
        });
  await client.connect(transport);
  onTestFinished(async () => await client.close());
  return client;
}

async function toolsOf(client: Client): Promise<string[]> {
  return (await client.listTools()).tools.map(({ name }) => name).sort();
}

type Answer = {
  isError?: boolean | undefined;
  content: readonly { type: string; text?: string }[];
};

async function callRaw(client: Client, name: string, input: object): Promise<Answer> {
  try {
    const asked = { name, arguments: { ...input } };
    return await client.callTool(asked);
  } catch (error) {
    // The protocol's own refusal, as of a tool that nobody offers.
    return { isError: true, content: [{ type: "text", text: String(error) }] };
  }
}

// What a tool answers is the API's JSON; each test looks at the part that it is about.
// oxlint-disable-next-line typescript/no-explicit-any
async function call(client: Client, name: string, input: object): Promise<any> {
  const answer = await callRaw(client, name, input);
  expect([name, answer.isError ?? false, textOf(answer)]).toEqual([name, false, expect.anything()]);
  return JSON.parse(textOf(answer));
}

function textOf({ content }: Answer): string {
  return content[0]?.text ?? "";
}
