import { join, resolve } from "node:path";

/** Where a command looks: the repository, its state, and a database server where one is configured. */
export interface CliConfig {
  readonly repo: string;
  readonly stateDir: string;
  readonly databaseUrl: string | undefined;
  readonly databaseAdminUrl: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** Flags win over `JARVIS_*` variables, those over the current directory. */
export function readCliConfig(flags: { repo?: string; stateDir?: string }): CliConfig {
  const { env } = process;
  const repo = resolve(flags.repo ?? env["JARVIS_REPO"] ?? process.cwd());
  return {
    repo,
    stateDir: resolve(flags.stateDir ?? env["JARVIS_STATE_DIR"] ?? join(repo, ".jarvis")),
    databaseUrl: env["DATABASE_URL"],
    databaseAdminUrl: env["JARVIS_DATABASE_ADMIN_URL"],
    environment: env,
  };
}
