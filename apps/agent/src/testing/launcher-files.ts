import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));

/** Everything that the launcher needs, by its path in a clone. Where only these are, it has to start. */
export function launcherFiles(): Record<string, string> {
  return Object.fromEntries(
    [
      "launcher.js",
      "launcher/arguments.js",
      "launcher/candidates.js",
      "launcher/kernel-line.js",
      "exit-codes.js",
      "files-digest.js",
    ].map((name) => [`apps/agent/dist/${name}`, readFileSync(join(DIST, name), "utf8")]),
  );
}
