import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Vitest global set-up: the programs that the tests start are what the sources say now. */
export default function setup(): void {
  const root = fileURLToPath(new URL("../../../../", import.meta.url));
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
}
