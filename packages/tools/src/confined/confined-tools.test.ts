import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// As built: confined tools are loaded by a program.
import { KernelOrder, loadBodyTools, type BodyTools } from "../../dist/body-tools.js";
import { BODY_WORKSPACE } from "../body-workspace.ts";
import { ToolManifest } from "./manifest.ts";

const root = mkdtempSync(join(tmpdir(), "jarvis-confined-"));
const own = `test-${process.pid}`;
const workspace = join(BODY_WORKSPACE, own);
const asked: unknown[] = [];
const context = {
  signal: new AbortController().signal,
  call: async (name: string, input: unknown) => {
    asked.push([name, input]);
    return await Promise.resolve("answered");
  },
};
let tools: BodyTools;

/** Tries what its input says, and answers what came of each. */
const tries = `
  const attempts = {
    read: (path) => fs.readFileSync(path, "utf8"),
    write: (path) => fs.writeFileSync(path, "x"),
    list: (path) => fs.readdirSync(path).join(),
    link: (path) => fs.symlinkSync("/etc/passwd", path),
    run: () => process.getBuiltinModule("node:child_process").execFileSync("id").toString(),
    thread: () => new (process.getBuiltinModule("node:worker_threads").Worker)("1", { eval: true }),
    binding: () => typeof process.binding("fs"),
    variable: (name) => process.env[name] ?? "none",
  };
  const out = [];
  for (const [what, given] of input) {
    try { out.push(what === "ask" ? await context.call(...given) : attempts[what](given) ?? "done"); }
    catch (error) { out.push(error.code ?? error.message); }
  }
  return out;`;

beforeAll(async () => {
  mkdirSync(join(workspace, "secret"), { recursive: true });
  writeFileSync(join(workspace, "secret", "a"), "hidden");
  addTool("bare", tries);
  addTool("allowed", tries, {
    hosts: ["a.example"],
    tools: ["line-search"],
    read: [`${own}/notes`],
    write: [`${own}/cache`],
    environment: ["TZ"],
  });
  addTool(
    "lingers",
    `setInterval(() => {}, 10); await context.call("x", 1).catch(() => {}); return process.pid;`,
    {},
  );
  addTool("linked", "return 1;", { read: [`${own}/out`] });
  symlinkSync("/etc", join(workspace, "out"));
  addTool("loops", "for (;;);", {});
  addTool("loops-bare", "for (;;);");
  process.env["TZ"] = "UTC";
  process.env["JARVIS_MODEL_KEY"] = "canary";
  tools = await loadBodyTools(join(root, "built"), join(root, "source"));
});

afterAll(() => {
  tools.end();
  delete process.env["JARVIS_MODEL_KEY"];
  for (const path of [root, workspace]) rmSync(path, { recursive: true, force: true });
});

describe("a tool without a manifest", () => {
  it("may have nothing but its input", async () => {
    const denied = "ERR_ACCESS_DENIED";
    const found = await call("bare", [
      ["read", "/etc/passwd"],
      ["read", `/proc/${process.pid}/environ`],
      ["read", join(workspace, "secret", "a")],
      ["write", join(workspace, "b")],
      ["write", fileURLToPath(import.meta.url)],
      ["run"],
      ["thread"],
      ["binding"],
      ["variable", "JARVIS_MODEL_KEY"],
      ["variable", "PATH"],
    ]);
    expect(found).toEqual([...Array.from({ length: 8 }, () => denied), "none", "none"]);
  });

  it("asks for nothing", async () => {
    for (const name of ["kernel-fetch", "kernel-query", "kernel-propose", "author", "shell"]) {
      expect(await call("bare", [["ask", [name, { url: "https://a.example/" }]]])).toEqual([
        `The manifest of bare does not let it ask for ${name}.`,
      ]);
    }
    expect(asked).toEqual([]);
  });
});

describe("a tool with a manifest", () => {
  it("may have what it names", async () => {
    const cache = `${workspace}/cache`;
    expect(
      await call("allowed", [
        ["write", `${cache}/a`],
        ["read", `${cache}/a`],
        ["list", `${workspace}/notes`],
        ["variable", "TZ"],
        ["ask", ["kernel-fetch", { url: "https://a.example/", hosts: ["*.example"] }]],
        ["ask", ["line-search", { text: "a", find: "a" }]],
      ]),
    ).toEqual(["done", "x", "", "UTC", "answered", "answered"]);
    // The kernel holds every redirect to the manifest's hosts, whatever the tool says.
    expect(asked.splice(0)).toEqual([
      ["kernel-fetch", { url: "https://a.example/", hosts: ["a.example"] }],
      ["line-search", { text: "a", find: "a" }],
    ]);
  });

  it("may have nothing else", async () => {
    const denied = "ERR_ACCESS_DENIED";
    expect(
      await call("allowed", [
        ["write", `${workspace}/notes/a`],
        ["read", `${workspace}/secret/a`],
        ["read", `${workspace}/notes/../secret/a`],
        ["link", `${workspace}/cache/link`],
        ["list", workspace],
        ["run"],
        ["variable", "JARVIS_MODEL_KEY"],
        ["ask", ["shell", { command: "id" }]],
        ["ask", ["kernel-query", {}]],
      ]),
    ).toEqual([
      ...Array.from({ length: 6 }, () => denied),
      "none",
      "The manifest of allowed does not let it ask for shell.",
      "The manifest of allowed does not let it ask for kernel-query.",
    ]);
    expect(asked).toEqual([]);
  });

  it("leaves nothing running when its call has ended, or is stopped", async () => {
    const pid = await call("lingers", null);
    await expect.poll(() => isGone(pid as number), { timeout: 10_000 }).toBe(true);
    await expect(carryOut("loops", null, AbortSignal.timeout(300))).rejects.toThrow(
      /has ended|aborted/,
    );
    await tools.alive();
  });

  it("does not begin where a folder that it names is a link", async () => {
    await expect(call("linked", null)).rejects.toThrow("no folder of the workspace");
  });

  it.each([
    { hosts: ["*"] },
    { hosts: ["https://a.example"] },
    { read: [".."] },
    { read: ["a/../b"] },
    { write: ["/etc"] },
    { write: [""] },
    { tools: ["kernel-query"] },
    { environment: ["a=b"] },
    { processes: true },
    [],
  ])("is not one: %j", (given) => {
    expect(ToolManifest.safeParse(given).success).toBe(false);
  });
});

// The last one: nothing can be called afterwards.
it("tools are not alive while one of those without a manifest is busy without end", async () => {
  const alive = { yes: false };
  void carryOut("loops-bare", null, AbortSignal.timeout(100)).catch(() => undefined);
  await sleep(200);
  void tools.alive().then(() => (alive.yes = true));
  await sleep(300);
  expect(alive.yes).toBe(false);
  tools.end();
  await tools.ended;
  await expect(call("bare", [])).rejects.toThrow("has ended");
});

async function call(name: string, input: unknown): Promise<unknown> {
  return await carryOut(name, input, context.signal);
}

async function carryOut(tool: string, input: unknown, signal: AbortSignal): Promise<unknown> {
  const order = KernelOrder.fromMessage({ type: "perform", tool, input });
  return await tools.carryOut(order, { ...context, signal });
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

function addTool(name: string, body: string, manifest?: object): void {
  const built = fileURLToPath(new URL("../../dist/tool.js", import.meta.url));
  const zod = fileURLToPath(import.meta.resolve("zod"));
  for (const place of ["built", "source"]) mkdirSync(join(root, place, name), { recursive: true });
  writeFileSync(
    join(root, "built", name, "tool.js"),
    `import fs from "node:fs";
import { z } from ${JSON.stringify(zod)};
import { defineTool } from ${JSON.stringify(built)};
process.getBuiltinModule ??= (name) => process.mainModule.require(name);
export const tool = defineTool({
  name: ${JSON.stringify(name)}, description: "", effect: "read", input: z.any(),
  async execute(input, context) { ${body} },
});
`,
  );
  if (manifest === undefined) return;
  writeFileSync(join(root, "source", name, "manifest.json"), JSON.stringify(manifest));
}
