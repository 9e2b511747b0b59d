import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { packageManagerEnv } from "@jarvis/tools/self-extension";
import { z } from "zod";

const port = z
  .string()
  .regex(/^\d{1,5}$/, "expected a port number from 0 to 65535")
  .transform(Number)
  .refine((value) => value <= 65_535, "expected a port number from 0 to 65535");

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
    .regex(/^\d+\.\d+\.\d+$/, "expected an exact version such as 12.21.0")
    .default("12.21.0"),
});

/** What the kernel runs with; parsed once, from flags over `JARVIS_*` variables over defaults. */
export interface KernelConfig extends z.infer<typeof settings> {
  /** Environment for package managers: how to reach registries, and nothing secret of Jarvis's. */
  readonly packageManagerEnv: Readonly<Record<string, string>>;
  /** Whether whoever started it holds the other end of its standard input, and it ends with them. */
  readonly untilStdinCloses: boolean;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Throws `ConfigError` naming the wrong value and what was expected. */
export function readConfig(argv: readonly string[]): KernelConfig {
  const { env } = process;
  const flags = readFlags(argv);
  // An empty variable is how a script says "not set".
  const variable = (name: string): string | undefined => env[name] || undefined;
  const repo = resolve(flags.repo ?? variable("JARVIS_REPO") ?? process.cwd());
  const dependenciesDir = flags["dependencies-dir"] ?? variable("JARVIS_DEPENDENCIES_DIR");
  const given = {
    repo,
    stateDir: resolve(
      flags["state-dir"] ?? variable("JARVIS_STATE_DIR") ?? join(workTreeOf(repo), ".jarvis"),
    ),
    port: flags.port ?? variable("JARVIS_PORT") ?? "4270",
    databaseUrl: variable("DATABASE_URL"),
    databaseAdminUrl: variable("JARVIS_DATABASE_ADMIN_URL"),
    githubToken: variable("GITHUB_TOKEN"),
    githubRepository: variable("JARVIS_GITHUB_REPOSITORY"),
    githubApiUrl: variable("JARVIS_GITHUB_API_URL"),
    dependenciesDir:
      dependenciesDir === undefined
        ? undefined
        : // The sandbox mounts it, and a mount is told from the root.
          resolve(dependenciesDir),
    pnpm: variable("JARVIS_PNPM"),
  };
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const problem = parsed.error.issues[0];
    const key = String(problem?.path[0]);
    throw new ConfigError(
      `The setting ${nameOf(key)} is wrong: ${problem?.message ?? "unreadable"}${shown(key, given)}.`,
    );
  }
  return {
    ...parsed.data,
    packageManagerEnv: packageManagerEnv(env),
    untilStdinCloses: flags["until-stdin-closes"] === true,
  };
}

/** What was given instead, unless it may be a secret. */
function shown(key: string, given: Record<string, unknown>): string {
  const value = given[key];
  return key in variables && typeof value === "string" ? `, got ${JSON.stringify(value)}` : "";
}

/** The work tree that a directory lies in, so that a subdirectory means the whole repository. */
function workTreeOf(directory: string): string {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (at === dirname(at)) return directory;
  }
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
        debug: { type: "boolean" },
        "until-stdin-closes": { type: "boolean" },
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

function nameOf(key: string): string {
  return variables[key] ?? key;
}
