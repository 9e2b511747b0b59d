import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Folder, what it imports, whether the arrow allows it (ARCHITECTURE.md, Packages). */
const imports: readonly (readonly [string, string, boolean])[] = [
  ["packages/db", "@jarvis/operator-core", false],
  ["packages/db", "@jarvis/tools", false],
  ["packages/db", "@jarvis/ledger", false],
  ["packages/ledger", "@jarvis/db", true],
  ["packages/ledger", "@jarvis/operator-core", false],
  ["packages/ledger", "@jarvis/tools", false],
  ["packages/operator-core", "@jarvis/db", true],
  ["packages/operator-core", "@jarvis/tools", false],
  ["packages/operator-core", "@jarvis/sandbox", false],
  ["packages/sandbox", "@jarvis/db", false],
  ["packages/forge", "@jarvis/tools", false],
  ["packages/tools", "@jarvis/db", true],
  ["packages/tools", "@jarvis/ledger", true],
  ["packages/tools", "@jarvis/operator-core", true],
  ["packages/tools", "@jarvis/sandbox", true],
  ["packages/tools", "@jarvis/forge", false],
  ["packages/tools", "@jarvis/agent", false],
  ["apps/agent", "@jarvis/tools", true],
  ["apps/agent", "@jarvis/cli", false],
  // What carries out orders of the kernel without an executor is for the body alone.
  ["apps/agent", "@jarvis/tools/body", false],
  ["apps/agent/src/body", "@jarvis/tools/body", true],
  ["apps/cli", "@jarvis/tools", true],
  ["apps/cli", "@jarvis/agent", false],
  ["apps/dashboard", "@jarvis/agent", false],
  ["apps/dashboard", "@jarvis/db", false],
];

let directory: string;
let refused: ReadonlySet<string>;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-lint-"));
  cpSync(join(root, ".oxlintrc.json"), join(directory, ".oxlintrc.json"));
  for (const [index, [folder, target]] of imports.entries()) {
    const path = join(directory, fileOf(folder, index));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      `import { something } from "${target}";\n\nexport const used = something;\n`,
    );
  }
  refused = lint();
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("the linter", () => {
  it.each(imports.map(([folder, target, allowed], index) => ({ folder, target, allowed, index })))(
    "says of $folder importing $target: allowed = $allowed",
    ({ folder, allowed, index }) => {
      expect(refused.has(fileOf(folder, index))).toBe(!allowed);
    },
  );
});

function fileOf(folder: string, index: number): string {
  return `${folder}/src/case-${index}.ts`;
}

function lint(): Set<string> {
  const argv = [join(root, "node_modules/oxlint/bin/oxlint"), "--format=json"];
  let report: string;
  try {
    report = execFileSync(process.execPath, argv, { cwd: directory, encoding: "utf8" });
  } catch (error) {
    // The linter ends with 1 where it refuses something, which is what is wanted here.
    report = String((error as { stdout: unknown }).stdout);
  }
  const { diagnostics } = JSON.parse(report) as {
    diagnostics: { code: string; filename: string }[];
  };
  return new Set(
    diagnostics
      .filter(({ code }) => code.includes("no-restricted-imports"))
      .map(({ filename }) => filename.replaceAll("\\", "/")),
  );
}
