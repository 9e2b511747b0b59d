import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { makeWorld, type Running, type World } from "./testing/world.ts";

// The versions that this repository itself runs: they are in the package manager's store already.
const own = z
  .object({ packageManager: z.string().startsWith("pnpm@") })
  .parse(JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")));
const vitest = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL(import.meta.resolve("vitest/package.json")), "utf8")));

/** Somebody else's project: TypeScript, vitest with a configuration of its own, pnpm. */
const project = {
  "package.json": JSON.stringify({
    name: "somebody-elses",
    version: "1.0.0",
    type: "module",
    scripts: { test: "vitest run" },
    devDependencies: { vitest: vitest.version },
  }),
  ".gitignore": "node_modules\n.jarvis\n",
  "vitest.config.ts": `import { defineConfig } from "vitest/config";\nexport default defineConfig({ test: { globals: true } });\n`,
  "src/slug.ts": `export const slug = (text: string): string => text.trim().toLowerCase().replaceAll(/\\s+/g, "-");\n`,
  "src/slug.test.ts": `import { slug } from "./slug.ts";\ndescribe("slug", () => {\n  it("joins words", () => expect(slug("Two Words")).toBe("two-words"));\n  it("trims", () => expect(slug(" a ")).toBe("a"));\n});\n`,
};

let world: World;
let up: Running;

beforeAll(async () => {
  world = makeWorld(project);
  const pnpm = ["--yes", own.packageManager, "install", "--lockfile-only", "--prefer-offline"];
  execFileSync("npx", pnpm, { cwd: world.directory, stdio: "pipe" });
  world.git("add", "-A");
  world.git("commit", "-q", "-m", "Pin dependencies");
  up = await world.up();
  await world.jarvis(["mode", "execute", "--reason", "test"]);
}, 120_000);

afterAll(async () => {
  process.kill(up.pid, "SIGTERM");
  await up.ended;
  await world.discard();
});

async function propose(files: Record<string, string>): Promise<Record<string, unknown>> {
  const args = ["propose", "--patch", "-", "--wait", "--json"];
  const { stdout } = await world.jarvis(args, { input: world.patch(files) });
  return JSON.parse(stdout) as Record<string, unknown>;
}

it("has a good change with a test of its own merged, without any configuration of ours", async () => {
  const result = await propose({
    "src/title.ts": `export const title = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);\n`,
    "src/title.test.ts": `import { title } from "./title.ts";\nit("begins with a capital", () => expect(title("a b")).toBe("A b"));\n`,
  });
  expect(result).toMatchObject({
    success: true,
    status: "promoted",
    testEvidence: "in-process",
    verificationDiagnostics: [{ name: "tests", status: "passed" }],
  });
}, 180_000);

it("has a change that breaks a test blocked, with the test named", async () => {
  const result = await propose({
    "src/slug.ts": "export const slug = (text: string): string => text.toLowerCase();\n",
  });
  expect(result).toMatchObject({
    status: "blocked",
    blockReasons: ["isolated-verification-failed"],
    verificationFailureCategory: "tests-failed",
    pullRequestNumber: null,
  });
  expect(JSON.stringify(result["verificationDiagnostics"])).toContain("slug joins words");
}, 120_000);
