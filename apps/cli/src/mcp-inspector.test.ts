import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { plainFiles } from "@jarvis/tools/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeWorld, type World } from "./testing/world.ts";

// Fetched from the registry, so `pnpm sweep` runs it. Of what there is, 2 needs Node 22.19 and 1 cannot
// find a file of its own in either package; this one asks for Node 22 and its command line runs on 20.
const INSPECTOR = "@modelcontextprotocol/inspector@0.22.0";
const PROGRAM = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "jarvis-inspector-"));
let world: World;
let token: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  world = makeWorld(plainFiles);
  const running = await world.up();
  stop = async () => {
    process.kill(running.kernelPid, "SIGTERM");
    await running.ended;
  };
  const added = await world.jarvis(["token", "add", "an-agent", "--role", "propose", "--json"]);
  ({ token } = JSON.parse(added.stdout) as { token: string });
  writeFileSync(join(directory, "token"), token);
});

afterAll(async () => {
  await stop();
  await world.discard();
  rmSync(directory, { recursive: true });
});

// The first time it is fetched.
describe.each(["stdio", "http"] as const)(
  "the official inspector over %s",
  { timeout: 300_000 },
  (way) => {
    it("lists what an agent may do, and reads and proposes by it", async () => {
      const ask = await inspector(way);
      const { tools } = await ask("tools/list");
      expect((tools as { name: string }[]).map(({ name }) => name).sort()).toEqual([
        "get_run",
        "get_status",
        "list_events",
        "list_runs",
        "propose_change",
      ]);
      const { resources } = await ask("resources/list");
      expect(resources).toMatchObject([{ uri: "jarvis://status" }]);
      expect(JSON.stringify(await ask("resources/read", "--uri", "jarvis://status"))).toContain(
        "promotion",
      );
      const patch = world.patch({ [`src/${way}.js`]: `export const by = "${way}";\n` });
      const args = ["--tool-name", "propose_change", "--tool-arg", `patch=${patch}`];
      expect(JSON.stringify(await ask("tools/call", ...args, "title=By the inspector"))).toContain(
        "runId",
      );
      const kill = ask("tools/call", "--tool-name", "kill", "--tool-arg", "reason=why not");
      await expect(kill).rejects.toThrow("kill not found");
    });
  },
);

type Ask = (method: string, ...args: string[]) => Promise<Record<string, unknown>>;

async function inspector(way: "stdio" | "http"): Promise<Ask> {
  const server =
    way === "stdio"
      ? [process.execPath, PROGRAM, "mcp", "--token-file", join(directory, "token")]
      : [await serveHttp()];
  const options =
    way === "stdio" ? [] : ["--transport", "http", "--header", `Authorization: Bearer ${token}`];
  return async (method, ...args) => {
    const { stdout } = await run(
      "npx",
      ["--yes", INSPECTOR, "--cli", ...server, ...options, "--method", method, ...args],
      { cwd: world.directory, timeout: 120_000 },
    );
    return JSON.parse(stdout) as Record<string, unknown>;
  };
}

async function serveHttp(): Promise<string> {
  const server = world.start(["mcp", "--http", "0"]);
  onTestFinished(async () => {
    process.kill(server.pid, "SIGTERM");
    await server.ended;
  });
  return await server.firstError.then((line) => line.replace("jarvis: MCP at ", ""));
}
