import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkRelease, releasePlace } from "@jarvis/tools/self-extension";
import { livingProject } from "./living-files.mjs";
import type { TestRepository } from "./repository.ts";

/** Migrates one stored row as far as it has migrations, and then reads it. */
const store = `import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
const kept = process.argv[2] + "/row.json";
let { version, row } = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : { version: 0, row: {} };
for (const file of readdirSync("migrations").sort((a, b) => Number.parseInt(a) - Number.parseInt(b))) {
  const number = Number.parseInt(file);
  if (number <= version) continue;
  row = (await import("./migrations/" + file)).default(row);
  version = number;
}
writeFileSync(kept, JSON.stringify({ version, row }));
console.log(row.name.toUpperCase());
`;

interface Config {
  readonly stages: readonly unknown[];
}

/** Makes a living project keep data that its changes may migrate, where the way back is a gate. */
export function makeMigrating(repository: TestRepository): void {
  const config = JSON.parse(livingProject["jarvis.config.json"] ?? "") as Config;
  const wayBack = {
    kind: "migration",
    name: "way-back",
    argv: ["node", "store.mjs", "/data"],
    when: ["migrations/**"],
    expectOutput: "FINE",
  };
  repository.write({
    "store.mjs": store,
    "migrations/1.mjs": `export default () => ({ name: "fine" });\n`,
    "jarvis.config.json": JSON.stringify({ ...config, stages: [...config.stages, wayBack] }),
  });
  repository.commit("Data that is kept");
}

/** A migration that expands what is stored. */
export const expandingMigration = (number: number): Record<string, string> => ({
  [`migrations/${number}.mjs`]: `export default (row) => ({ ...row, c${number}: ${number} });\n`,
});

/**
 * Runs the program of a release on kept data, as it would at its start; throws where it does not run
 * on them. Answers how far the data are migrated.
 */
export async function runOnData(
  stateDir: string,
  releaseDigest: string,
  data: string,
): Promise<number> {
  const release = await checkRelease(
    releasePlace(join(stateDir, "releases"), releaseDigest),
    releaseDigest,
  );
  if (!release.ok) throw new Error(`release ${releaseDigest}: ${release.detail}`);
  const said = execFileSync(process.execPath, ["store.mjs", data], {
    cwd: release.directory,
    encoding: "utf8",
    env: {},
  });
  if (said !== "FINE\n") throw new Error(`release ${releaseDigest} said ${said}`);
  const kept = JSON.parse(readFileSync(join(data, "row.json"), "utf8")) as { version: number };
  return kept.version;
}
