import { messageOf } from "@jarvis/db";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isLoopback, packageManagerEnv, type GitHubSettings } from "@jarvis/tools/self-extension";
import { z } from "zod";
import { readModelConfig, type ModelConfig } from "./kernel/model/model-config.ts";

const port = z
  .string()
  .regex(/^\d{1,5}$/, "expected a port number from 0 to 65535")
  .transform(Number)
  .refine((value) => value <= 65_535, "expected a port number from 0 to 65535");

/** What the launcher tells the kernel that it starts. */
const launcherFacts = z.object({
  /** The root of the program that it belongs to. */
  home: z.string(),
  /** The directory that this kernel was started from; null for the program beside the launcher. */
  release: z.string().nullable(),
  /** Directories of releases that did not come up, and why. */
  leftOut: z.record(z.string(), z.string()),
});

const settings = z.object({
  repo: z.string().min(1),
  stateDir: z.string().min(1),
  port,
  listen: z.union([z.ipv4(), z.ipv6(), z.literal("localhost")], {
    error: "expected an IP address",
  }),
  publicUrl: z
    .url({ protocol: /^https$/, error: "expected https://name or https://name:port" })
    .refine((url) => new URL(url).pathname === "/", "expected no path behind the name")
    .optional(),
  pageDir: z.string().min(1).optional(),
  databaseUrl: z.string().min(1).optional(),
  databaseAdminUrl: z.string().min(1).optional(),
  githubToken: z.string().min(1).optional(),
  githubTokenFile: z.string().min(1).optional(),
  githubAppId: z.string().min(1).optional(),
  githubAppInstallationId: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, "expected the number at the end of the installation's address")
    .transform(Number)
    .optional(),
  githubAppPrivateKeyFile: z.string().min(1).optional(),
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
  launcher: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue("expected what the launcher passes on, or nothing");
        return z.NEVER;
      }
    })
    .pipe(launcherFacts)
    .nullable(),
  fetchHosts: z
    .string()
    .default("")
    .transform((text) => text.split(",").flatMap((host) => host.trim().toLowerCase() || []))
    .pipe(
      z.array(
        z
          .string()
          .regex(
            /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/,
            "expected host names with commas, such as example.com,*.example.org",
          ),
      ),
    ),
  queryFile: z.string().min(1).nullable(),
  freeSpaceBytes: z
    .string()
    .regex(/^[1-9]\d{0,7}$/, "expected a number of mebibytes, such as 1024")
    .default("1024")
    .transform((mebibytes) => Number(mebibytes) * 2 ** 20),
  leaseMs: z
    .string()
    .regex(
      /^([2-9]|[1-9]\d|[1-5]\d\d|600)$/,
      "expected a number of seconds from 2 to 600, such as 15",
    )
    .default("15")
    .transform((seconds) => Number(seconds) * 1000),
});

/** What the kernel runs with; parsed once, from flags over `JARVIS_*` variables over defaults. */
export interface KernelConfig extends z.infer<typeof settings> {
  /** Where the operator's page was built. */
  readonly pageDir: string;
  /** How GitHub is configured, for whoever connects it. */
  readonly github: GitHubSettings;
  /** The model that goals are worked on with; null for none. */
  readonly model: ModelConfig | null;
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
  const queryFile = variable("JARVIS_QUERY_FILE");
  const given = {
    repo,
    stateDir: resolve(
      flags["state-dir"] ?? variable("JARVIS_STATE_DIR") ?? join(workTreeOf(repo), ".jarvis"),
    ),
    port: flags.port ?? variable("JARVIS_PORT") ?? "4270",
    listen: flags.listen ?? "127.0.0.1",
    publicUrl: flags["public-url"] ?? variable("JARVIS_PUBLIC_URL"),
    pageDir: variable("JARVIS_PAGE_DIR"),
    databaseUrl: variable("DATABASE_URL"),
    databaseAdminUrl: variable("JARVIS_DATABASE_ADMIN_URL"),
    githubToken: variable("GITHUB_TOKEN"),
    githubTokenFile: variable("GITHUB_TOKEN_FILE"),
    githubAppId: variable("GITHUB_APP_ID"),
    githubAppInstallationId: variable("GITHUB_APP_INSTALLATION_ID"),
    githubAppPrivateKeyFile: variable("GITHUB_APP_PRIVATE_KEY_FILE"),
    githubRepository: variable("JARVIS_GITHUB_REPOSITORY"),
    githubApiUrl: variable("JARVIS_GITHUB_API_URL"),
    dependenciesDir:
      dependenciesDir === undefined
        ? undefined
        : // The sandbox mounts it, and a mount is told from the root.
          resolve(dependenciesDir),
    pnpm: variable("JARVIS_PNPM"),
    launcher: variable("JARVIS_LAUNCHER") ?? null,
    fetchHosts: variable("JARVIS_FETCH_HOSTS"),
    queryFile: queryFile === undefined ? null : resolve(repo, queryFile),
    freeSpaceBytes: variable("JARVIS_FREE_SPACE_MIB"),
    leaseMs: variable("JARVIS_LEASE_SECONDS"),
  };
  const model = modelOf(variable, repo);
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const problem = parsed.error.issues[0];
    const key = String(problem?.path[0]);
    throw new ConfigError(
      `The setting ${nameOf(key)} is wrong: ${problem?.message ?? "unreadable"}${shown(key, given)}.`,
    );
  }
  const { listen, publicUrl } = parsed.data;
  if (!isLoopback(listen) && publicUrl === undefined) {
    throw new ConfigError(
      `Jarvis speaks plain HTTP, so that everybody between a browser and ${listen} could read its tokens: put a proxy with TLS in front and name what a browser opens with --public-url https://NAME, or leave --listen out.`,
    );
  }
  // Where the program beside the launcher is, and not in the release that a kernel may run from: the
  // page acts with an operator's word, so it is the one that a person built.
  const home = parsed.data.launcher?.home ?? fileURLToPath(new URL("../../..", import.meta.url));
  return {
    ...parsed.data,
    pageDir: resolve(parsed.data.pageDir ?? join(home, "apps/dashboard/dist")),
    github: {
      apiUrl: parsed.data.githubApiUrl,
      repository: parsed.data.githubRepository,
      token: parsed.data.githubToken,
      tokenFile: parsed.data.githubTokenFile,
      appId: parsed.data.githubAppId,
      appInstallationId: parsed.data.githubAppInstallationId,
      appPrivateKeyFile: parsed.data.githubAppPrivateKeyFile,
    },
    model,
    packageManagerEnv: packageManagerEnv(env),
    untilStdinCloses: flags["until-stdin-closes"] === true,
  };
}

function modelOf(variable: (name: string) => string | undefined, repo: string): ModelConfig | null {
  try {
    return readModelConfig(
      {
        model: variable("JARVIS_MODEL"),
        baseUrl: variable("JARVIS_MODEL_BASE_URL"),
        key: variable("JARVIS_MODEL_KEY"),
        keyFile: variable("JARVIS_MODEL_KEY_FILE"),
        price: variable("JARVIS_MODEL_PRICE"),
        budget: variable("JARVIS_BUDGET"),
        record: variable("JARVIS_MODEL_RECORD"),
        maxOutputTokens: variable("JARVIS_MODEL_MAX_OUTPUT"),
        attempts: variable("JARVIS_GOAL_ATTEMPTS"),
      },
      repo,
    );
  } catch (error) {
    throw new ConfigError(messageOf(error));
  }
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
        listen: { type: "string" },
        "public-url": { type: "string" },
        "dependencies-dir": { type: "string" },
        debug: { type: "boolean" },
        "until-stdin-closes": { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new ConfigError(messageOf(error));
  }
}

const variables: Record<string, string> = {
  repo: "--repo (JARVIS_REPO)",
  stateDir: "--state-dir (JARVIS_STATE_DIR)",
  port: "--port (JARVIS_PORT)",
  listen: "--listen",
  publicUrl: "--public-url (JARVIS_PUBLIC_URL)",
  githubRepository: "JARVIS_GITHUB_REPOSITORY",
  githubAppInstallationId: "GITHUB_APP_INSTALLATION_ID",
  githubApiUrl: "JARVIS_GITHUB_API_URL",
  pnpm: "JARVIS_PNPM",
  launcher: "JARVIS_LAUNCHER",
  fetchHosts: "JARVIS_FETCH_HOSTS",
  freeSpaceBytes: "JARVIS_FREE_SPACE_MIB",
  leaseMs: "JARVIS_LEASE_SECONDS",
};

function nameOf(key: string): string {
  return variables[key] ?? key;
}
