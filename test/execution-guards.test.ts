import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const core = join(root, "packages/operator-core/src");
const tools = join(root, "packages/tools/src");

/** Programs as somebody might write them into a product, and what refuses each; null passes. */
const programs: readonly {
  readonly name: string;
  readonly compiler: string | null;
  readonly linter: string | null;
  readonly source: string;
}[] = [
  {
    name: "calls a loaded tool by the executor",
    compiler: null,
    linter: null,
    source: `
      import type { ActionExecutor, ActionRegistry } from "${core}/index.ts";
      import { callTool, loadBuiltinTools, registerTools } from "${tools}/index.ts";
      export async function right(executor: ActionExecutor, registry: ActionRegistry) {
        registerTools(registry, (await loadBuiltinTools()).values());
        const requester = { kind: "agent", name: "jarvis" } as const;
        const asked = { reason: "a test", requester, agentId: null, sessionId: "s" };
        return await callTool(executor, { ...asked, tool: "line-search", input: {} });
      }`,
  },
  {
    name: "calls a loaded tool itself",
    compiler: "Property 'execute' does not exist",
    linter: null,
    source: `
      import { loadBuiltinTools } from "${tools}/index.ts";
      export const wrong = (await loadBuiltinTools())
        .get("line-search")
        ?.execute({}, { signal: AbortSignal.timeout(1) });`,
  },
  {
    name: "imports a built-in tool and calls it",
    compiler: "Property 'execute' does not exist",
    linter: null,
    source: `
      import { tool } from "${tools}/builtin/line-search/tool.ts";
      export const wrong = tool.execute({}, { signal: AbortSignal.timeout(1) });`,
  },
  {
    name: "runs a tool's action without a permit",
    compiler: "'permit' is missing",
    linter: null,
    source: `
      import type { ActionRegistry } from "${core}/index.ts";
      export async function wrong(registry: ActionRegistry) {
        const without = {
          proposalId: 1,
          attempt: 1,
          signal: AbortSignal.timeout(1),
          runProcess: () => Promise.reject(new Error("no")),
          perform: () => Promise.reject(new Error("no")),
        };
        return await registry.get("tool:line-search")?.run({}, without);
      }`,
  },
  {
    name: "makes a permit",
    compiler: "Constructor of class 'ExecutionPermit' is private",
    linter: null,
    source: `
      import { ExecutionPermit } from "${core}/actions/execution-permit.ts";
      export const wrong = new ExecutionPermit(1);`,
  },
  {
    name: "asks for permission",
    compiler: null,
    linter: null,
    source: `
      import type { SafetyController } from "${core}/index.ts";
      export async function right(world: { safety: SafetyController }) {
        await world.safety.checkCanExecute();
      }`,
  },
  ...["mode", "isObserveOnly", "canExecute"].map((property) => ({
    name: `takes the display value ${property} for permission`,
    compiler: null,
    linter: "no-deprecated",
    source: `
      import type { SafetyController } from "${core}/index.ts";
      export function wrong(world: { gate: SafetyController }): unknown {
        return world.gate.${property};
      }`,
  })),
];

// In the tools' own folder: what may not be imported there, by name.
const imports: readonly (readonly [path: string, target: string, allowed: boolean])[] = [
  ["packages/tools/src/actions/a.ts", "../builtin/line-search/tool.ts", false],
  ["packages/tools/src/builtin/one/tool.ts", "../line-search/tool.ts", false],
  ["packages/tools/src/builtin/two/tool.ts", "../../tool.ts", true],
  ["packages/tools/src/builtin/two/tool.test.ts", "./tool.ts", true],
  ["packages/tools/src/actions/b.ts", "../testing/callable-tools.ts", false],
];

let directory: string;
let compiled: string;
let linted: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-guards-"));
  cpSync(join(root, ".oxlintrc.json"), join(directory, ".oxlintrc.json"));
  write("package.json", '{"type":"module"}');
  write("tsconfig.json", JSON.stringify(project));
  for (const [index, { source }] of programs.entries()) write(`program-${index}.ts`, source);
  for (const [path, target] of imports) {
    write(path, `import { something } from "${target}";\n\nexport const used = something;\n`);
  }
  compiled = run("typescript/bin/tsc", "-p", directory, "--pretty", "false");
  linted = run("oxlint/bin/oxlint", "--type-aware", "--format=unix");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("a program that", () => {
  it.each(programs.map((program, index) => ({ ...program, index })))(
    "$name: the compiler says $compiler, the linter $linter",
    ({ compiler, linter, index }) => {
      const file = `program-${index}.ts`;
      const said = (output: string) => output.split("\n").filter((line) => line.includes(file));
      expect(said(compiled)).toEqual(compiler === null ? [] : [expect.stringContaining(compiler)]);
      const found = said(linted).filter((line) => line.includes("no-deprecated"));
      expect(found).toEqual(linter === null ? [] : [expect.stringContaining(linter)]);
    },
  );
});

describe("in packages/tools", () => {
  it.each(imports)("%s imports %s: allowed = %s", (path, _, allowed) => {
    const refused = linted
      .split("\n")
      .some((line) => line.includes(path) && line.includes("no-restricted-imports"));
    expect(refused).toBe(!allowed);
  });
});

const project = {
  extends: join(root, "tsconfig.base.json"),
  compilerOptions: {
    composite: false,
    noEmit: true,
    incremental: false,
    allowImportingTsExtensions: true,
    rewriteRelativeImportExtensions: false,
    typeRoots: [join(root, "node_modules/@types")],
  },
  include: ["program-*.ts"],
};

function write(path: string, content: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
}

function run(program: string, ...args: string[]): string {
  const argv = [join(root, "node_modules", program), ...args];
  const { stdout, stderr, error } = spawnSync(process.execPath, argv, {
    cwd: directory,
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return stdout + stderr;
}
