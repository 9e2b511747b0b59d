import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";

const port = z.coerce.number({ error: "expected a port number" }).int().min(0).max(65_535);

const settings = z.object({
  repo: z.string().min(1),
  stateDir: z.string().min(1),
  port,
  databaseUrl: z.string().min(1).optional(),
  databaseAdminUrl: z.string().min(1).optional(),
  githubToken: z.string().min(1).optional(),
  githubRepository: z
    .string()
    .regex(/^[\w.-]+\/[\w.-]+$/, "expected owner/name")
    .optional(),
  githubApiUrl: z.url({ error: "expected a URL" }).default("https://api.github.com"),
  dependenciesDir: z.string().min(1).optional(),
  pnpm: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/)
    .default("12.21.0"),
  demonstration: z.boolean(),
});

/** What the kernel runs with; parsed once, from flags over `JARVIS_*` variables over defaults. */
export interface KernelConfig extends z.infer<typeof settings> {
  /** Environment for package managers: how to reach registries, and nothing secret of Jarvis's. */
  readonly packageManagerEnv: Readonly<Record<string, string>>;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Throws `ConfigError` naming the wrong value and what was expected. */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): KernelConfig {
  const flags = readFlags(argv);
  const repo = resolve(flags.repo ?? env["JARVIS_REPO"] ?? process.cwd());
  const parsed = settings.safeParse({
    repo,
    stateDir: resolve(flags["state-dir"] ?? env["JARVIS_STATE_DIR"] ?? join(repo, ".jarvis")),
    port: flags.port ?? env["JARVIS_PORT"] ?? 4270,
    databaseUrl: env["DATABASE_URL"],
    databaseAdminUrl: env["JARVIS_DATABASE_ADMIN_URL"],
    githubToken: env["GITHUB_TOKEN"],
    githubRepository: env["JARVIS_GITHUB_REPOSITORY"],
    githubApiUrl: env["JARVIS_GITHUB_API_URL"],
    dependenciesDir: flags["dependencies-dir"] ?? env["JARVIS_DEPENDENCIES_DIR"],
    pnpm: env["JARVIS_PNPM"],
    demonstration: flags.demonstration ?? false,
  });
  if (!parsed.success) {
    const problem = parsed.error.issues[0];
    throw new ConfigError(
      `The setting ${nameOf(problem?.path[0])} is wrong: ${problem?.message ?? "unreadable"}.`,
    );
  }
  return { ...parsed.data, packageManagerEnv: packageManagerEnv(env) };
}

function readFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        repo: { type: "string" },
        "state-dir": { type: "string" },
        port: { type: "string" },
        "dependencies-dir": { type: "string" },
        demonstration: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

const variables: Record<string, string> = {
  repo: "--repo (JARVIS_REPO)",
  stateDir: "--state-dir (JARVIS_STATE_DIR)",
  port: "--port (JARVIS_PORT)",
  githubRepository: "JARVIS_GITHUB_REPOSITORY",
  githubApiUrl: "JARVIS_GITHUB_API_URL",
  pnpm: "JARVIS_PNPM",
};

function nameOf(key: PropertyKey | undefined): string {
  return variables[String(key)] ?? String(key);
}

/** Variables that package managers need to reach their registry; tokens of Jarvis's stay out. */
function packageManagerEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const wanted =
    /^(PATH|HOME|LANG|LC_ALL|TMPDIR|XDG_[A-Z_]+|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(https?|no|all)_proxy|npm_config_.*|PNPM_HOME)$/i;
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) =>
      value !== undefined && wanted.test(key) ? [[key, value] as const] : [],
    ),
  );
}
