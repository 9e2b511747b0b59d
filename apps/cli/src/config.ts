import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Where a command looks: the repository, its state, and a database server where one is configured. */
export interface CliConfig {
  readonly repo: string;
  readonly stateDir: string;
  readonly databaseUrl: string | undefined;
  readonly databaseAdminUrl: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** Flags win over `JARVIS_*` variables, those over the current directory; an empty variable is not set. */
export function readCliConfig(flags: { repo?: string; stateDir?: string }): CliConfig {
  const { env } = process;
  const variable = (name: string): string | undefined => env[name] || undefined;
  const repo = resolve(flags.repo ?? variable("JARVIS_REPO") ?? process.cwd());
  return {
    repo,
    stateDir: resolve(
      flags.stateDir ?? variable("JARVIS_STATE_DIR") ?? join(workTreeOf(repo), ".jarvis"),
    ),
    databaseUrl: variable("DATABASE_URL"),
    databaseAdminUrl: variable("JARVIS_DATABASE_ADMIN_URL"),
    environment: env,
  };
}

/** The work tree that a directory lies in, so that a subdirectory means the whole repository. */
function workTreeOf(directory: string): string {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (at === dirname(at)) return directory;
  }
}
