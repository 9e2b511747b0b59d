import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const program = fileURLToPath(new URL("../../dist/body/main.js", import.meta.url));

// Prints the address of every module that is loaded.
const hooks = `export async function load(url, context, next) {
  process._rawDebug("loaded " + url);
  return await next(url, context);
}`;
const register = `import { register } from "node:module";
register(${JSON.stringify(dataUrl(hooks))});`;

it("the body's program loads its tools and nothing that holds or uses a credential", () => {
  // Without a kernel at the other end it loads, and ends.
  const { stderr } = run(["--import", dataUrl(register), program]);
  const loaded = stderr.split("\n").flatMap((line) => line.split("loaded file://")[1] ?? []);
  const has = (part: string): boolean => loaded.some((path) => path.includes(part));
  expect(has("/apps/agent/dist/body/main.js")).toBe(true);
  expect(has("/packages/tools/dist/builtin/http-fetch/tool.js")).toBe(true);
  // What anybody may change runs in a process of its own.
  expect(has("/packages/tools/dist/builtin/line-search/tool.js")).toBe(false);
  for (const never of ["/kernel/", "/http/", "/packages/db/", "/packages/operator-core/"]) {
    expect([never, has(never)]).toEqual([never, false]);
  }
  for (const never of ["/packages/sandbox/", "/self-extension/", "postgres", "octokit", "dbos"]) {
    expect([never, has(never)]).toEqual([never, false]);
  }
});

function run(argv: string[]): { stderr: string } {
  // Through a shell only to have both streams as one text.
  const stderr = execFileSync(
    "sh",
    ["-c", 'exec "$@" 2>&1 </dev/null', "sh", process.execPath, ...argv],
    {
      encoding: "utf8",
      env: {},
    },
  );
  return { stderr };
}

function dataUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
