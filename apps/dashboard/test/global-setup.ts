import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Vitest global set-up: the page in the browser and the programs it speaks to are what the sources say now. */
export default function setup(): void {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const quiet = { stdio: "ignore" as const };
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b"], {
    cwd: root,
    ...quiet,
  });
  const page = fileURLToPath(new URL("../", import.meta.url));
  execFileSync(process.execPath, ["node_modules/vite/bin/vite.js", "build"], {
    cwd: page,
    // The page that is shipped: the tests' own NODE_ENV would build one for developers.
    env: { ...process.env, NODE_ENV: "production" },
    ...quiet,
  });
}
