import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

export type BuiltPackage = {
  /** Runs a program of module code against the built package, as another process. */
  run(program: string): ChildProcess & { nextLine(): Promise<string> };
  remove(): void;
};

/**
 * The package as it is shipped, for tests that need a process of its own to kill: compiled to a
 * throw-away directory beside links to what it expects around itself.
 */
export function buildPackage(): BuiltPackage {
  const root = mkdtempSync(join(tmpdir(), "jarvis-db-built-"));
  symlinkSync(join(packageRoot, "node_modules"), join(root, "node_modules"));
  symlinkSync(join(packageRoot, "migrations"), join(root, "migrations"));
  writeFileSync(join(root, "package.json"), `{"type":"module"}`);
  const dist = join(root, "dist");
  const ended = spawnSync(
    join(packageRoot, "node_modules", ".bin", "tsc"),
    ["-p", "tsconfig.json", "--outDir", dist, "--tsBuildInfoFile", join(root, "tsbuildinfo")],
    { cwd: packageRoot, encoding: "utf8" },
  );
  if (ended.status !== 0) throw new Error(`the package does not compile: ${ended.stdout}`);
  return {
    run(program) {
      const source = `import * as db from ${JSON.stringify(join(dist, "index.js"))};\n${program}`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
        cwd: root,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const nextLine = async (): Promise<string> => {
        const line = await lines.next();
        if (line.done === true) throw new Error("the other process ended before it said more");
        return line.value;
      };
      return Object.assign(child, { nextLine });
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
