import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { afterAll, beforeAll } from "vitest";

const packageRoot = path.join(import.meta.dirname, "../..");

/**
 * The package compiled for a plain Node process: what is tested with it (a kernel that dies, a
 * machine that denies, descriptors that were inherited) needs a process of its own.
 */
export function usePackageForNode(): { importUrl: () => string } {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), "jarvis-compiled-"));
    writeFileSync(path.join(directory, "package.json"), '{"type":"module"}');
    execFileSync(process.execPath, [
      path.join(packageRoot, "node_modules/typescript/bin/tsc"),
      "-p",
      path.join(packageRoot, "tsconfig.json"),
      "--outDir",
      directory,
      "--composite",
      "false",
      "--incremental",
      "false",
      "--tsBuildInfoFile",
      "null",
    ]);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return { importUrl: () => path.join(directory, "index.js") };
}
