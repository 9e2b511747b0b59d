import { spawn } from "node:child_process";

import { ForgeError } from "../forge-error.ts";
import { Recent } from "../recent.ts";
import { LastingGit, type Reply } from "./lasting-git.ts";
import { endOf, startGit } from "./start-git.ts";

interface GitResult {
  code: number;
  stdout: Buffer;
  stderr: string;
}

interface GitOptions {
  input?: Buffer | string;
  /** Added to the clean environment. */
  env?: Record<string, string>;
  /** Exit codes that are answers and not failures; 0 always is one. */
  okCodes?: readonly number[];
  limitBytes?: number;
}

/** Git on one bare repository, never through a shell, never with anybody's configuration. */
export interface Git {
  readonly gitDirectory: string;
  /** The whole environment that a child such as `git http-backend` gets. */
  readonly environment: Readonly<Record<string, string>>;
  run(args: readonly string[], options?: GitOptions): Promise<GitResult>;
  /** Standard output as text without its last line break. */
  text(args: readonly string[], options?: GitOptions): Promise<string>;
  /** The same, asked once: for what is said of objects by their names alone, which never changes. */
  known(args: readonly string[], options?: Pick<GitOptions, "okCodes">): Promise<string>;
  /** Asks a git that stays for the next question with these arguments; see {@link LastingGit}. */
  ask(
    args: readonly string[],
    question: string,
    isWhole: (stdout: string) => boolean,
  ): Promise<Reply>;
  /** Ends what was started to stay. */
  end(): Promise<void>;
}

// Debian, Homebrew and Nix on NixOS. A caller with git elsewhere says so.
const DEFAULT_PATH =
  "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/run/current-system/sw/bin:/usr/local/sbin:/usr/sbin:/sbin";

// 256 MiB: a whole patch of a large history; more is a mistake and would fill the memory.
const DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024;

// The bounds are for the memory.
const KNOWN_ANSWERS = 2_000;
const KNOWN_CHARACTERS = 16 * 1024;

/**
 * Given to every git by its environment and not written to the repository's config file, so that
 * neither a copied repository nor an edited config loses a rule.
 */
const CONFIGURATION: Readonly<Record<string, string>> = {
  // The repository, or the seed, may belong to another user than the forge.
  "safe.directory": "*",
  "core.hooksPath": "/dev/null",
  "core.attributesFile": "/dev/null",
  "core.quotePath": "false",
  "core.logAllRefUpdates": "false",
  // A push of another process may hold a ref for a moment; two seconds of patience, then an error.
  "core.filesRefLockTimeout": "2000",
  // Objects are written before anything names them and kept: a collection would race that.
  "gc.auto": "0",
  "receive.autogc": "false",
  "maintenance.auto": "false",
  "transfer.hideRefs": "refs/forge",
  // Shown to fetch, refused to push: only the forge moves refs/pull.
  "receive.hideRefs": "refs/pull",
  "receive.fsckObjects": "true",
  "http.receivepack": "true",
  "http.uploadpack": "true",
  "uploadpack.allowAnySHA1InWant": "true",
  "uploadpack.allowFilter": "true",
};

export function createGit(options: {
  gitDirectory: string;
  executablePath?: string | undefined;
  configuration?: Record<string, string>;
}): Git {
  const environment = cleanEnvironment(options);
  const run = async (args: readonly string[], runOptions: GitOptions = {}) =>
    execute(args, { ...environment, ...runOptions.env }, runOptions);
  const text = async (args: readonly string[], textOptions?: GitOptions) => {
    const { stdout } = await run(args, textOptions);
    return stdout.toString("utf8").replace(/\n$/u, "");
  };
  const answers = new Recent<string>(KNOWN_ANSWERS);
  const lasting = new Map<string, LastingGit>();
  return {
    gitDirectory: options.gitDirectory,
    environment,
    run,
    text,
    async known(args, textOptions) {
      const key = args.join("\0");
      const answer = answers.get(key) ?? (await text(args, textOptions));
      if (answer.length <= KNOWN_CHARACTERS) answers.set(key, answer);
      return answer;
    },
    ask(args, question, isWhole) {
      const key = args.join("\0");
      const place = { env: environment, cwd: options.gitDirectory };
      const git = lasting.get(key) ?? new LastingGit(args, place);
      lasting.set(key, git);
      return git.ask(question, isWhole);
    },
    async end() {
      await Promise.all([...lasting.values()].map((git) => git.end()));
    },
  };
}

function cleanEnvironment(options: {
  gitDirectory: string;
  executablePath?: string | undefined;
  configuration?: Record<string, string>;
}): Record<string, string> {
  const environment: Record<string, string> = {
    PATH: options.executablePath ?? DEFAULT_PATH,
    HOME: "/nonexistent",
    LC_ALL: "C",
    TZ: "UTC",
    GIT_DIR: options.gitDirectory,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    // A partial clone as seed would otherwise call its remote for what it lacks.
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: "none",
    // Refs are read from these files without git, see RefFiles.
    GIT_DEFAULT_REF_FORMAT: "files",
    GIT_AUTHOR_NAME: "Jarvis Forge",
    GIT_AUTHOR_EMAIL: "forge@localhost",
    GIT_COMMITTER_NAME: "Jarvis Forge",
    GIT_COMMITTER_EMAIL: "forge@localhost",
  };
  const configuration = Object.entries({ ...CONFIGURATION, ...options.configuration });
  environment["GIT_CONFIG_COUNT"] = String(configuration.length);
  for (const [index, [key, value]] of configuration.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}

async function execute(
  args: readonly string[],
  env: Record<string, string>,
  options: GitOptions,
): Promise<GitResult> {
  const limitBytes = options.limitBytes ?? DEFAULT_LIMIT_BYTES;
  const child = await startGit(() => spawn("git", args, { env, stdio: ["pipe", "pipe", "pipe"] }));
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limitBytes) child.kill("SIGKILL");
    else stdout.push(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // Git may end before it read everything; its exit code says what that means.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const code = await endOf(child);
  const message = Buffer.concat(stderr).toString("utf8").trim();
  if (bytes > limitBytes) {
    throw new ForgeError(
      "git-failed",
      `git ${args[0]} answered more than ${limitBytes} bytes, got at least ${bytes}`,
    );
  }
  if (code === null || (code !== 0 && options.okCodes?.includes(code) !== true)) {
    throw new ForgeError(
      "git-failed",
      `git ${args[0]} ended with ${code ?? "a signal"}: ${message}`,
    );
  }
  return { code, stdout: Buffer.concat(stdout), stderr: message };
}
