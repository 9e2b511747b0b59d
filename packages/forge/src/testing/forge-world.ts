import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { Octokit } from "@octokit/rest";

import { startForge, type Forge, type ForgeOptions } from "../start-forge.ts";

const OWNER = "local";
const REPOSITORY = "jarvis";

/** A forge in a temporary directory, seeded with one commit, and Octokit as the pipeline uses it. */
export interface ForgeWorld {
  directory: string;
  /** The repository the forge was seeded from. */
  seed: string;
  seedCommit: string;
  forge: Forge;
  octokit: Octokit;
  operator: Octokit;
  repo: { owner: string; repo: string };
  bare: string;
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function forgeWorld(overrides: Partial<ForgeOptions> = {}): Promise<ForgeWorld> {
  const root = await temporaryDirectory();
  const seed = join(root, "seed");
  const seedCommit = await makeSeed(seed);
  const directory = join(root, "forge");
  const options: ForgeOptions = {
    directory,
    owner: OWNER,
    repository: REPOSITORY,
    seed: { gitDirectory: join(seed, ".git"), commit: seedCommit },
    protection: { requiredStatuses: [] },
    ...overrides,
  };
  const forge = await startForge(options);
  const world: ForgeWorld = {
    directory,
    seed,
    seedCommit,
    forge,
    octokit: octokitFor(forge, forge.token),
    operator: octokitFor(forge, forge.operatorToken),
    repo: { owner: OWNER, repo: REPOSITORY },
    bare: join(directory, "repository.git"),
    async restart() {
      await world.forge.close();
      world.forge = await startForge(options);
      world.octokit = octokitFor(world.forge, world.forge.token);
      world.operator = octokitFor(world.forge, world.forge.operatorToken);
    },
    async [Symbol.asyncDispose]() {
      await world.forge.close();
      try {
        // Whatever a test did: what it leaves behind is a sound repository.
        const complaints = await git(world.bare, "fsck", "--strict", "--no-dangling");
        if (complaints !== "") throw new Error(`git fsck --strict: ${complaints}`);
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    },
  };
  return world;
}

export function octokitFor(forge: Pick<Forge, "apiUrl">, token: string): Octokit {
  return new Octokit({
    baseUrl: forge.apiUrl,
    auth: token,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

// Refusals are what tests are about: Octokit need not warn of them.
function silent(): void {}

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "forge-test-"));
}

/** Two commits with a few files. */
export async function makeSeed(directory: string): Promise<string> {
  await git(tmpdir(), "init", "--quiet", "--initial-branch=main", directory);
  await git(directory, "commit", "--quiet", "--allow-empty", "-m", "Begin");
  await write(directory, { "README.md": "# Jarvis\n", "src/a.ts": "export const a = 1;\n" });
  return commitAll(directory, "Add a file");
}

export async function write(directory: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(directory, path, ".."), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}

export async function commitAll(directory: string, message: string): Promise<string> {
  await git(directory, "add", "-A");
  await git(directory, "commit", "--quiet", "-m", message);
  return git(directory, "rev-parse", "HEAD");
}

const run = promisify(execFile);

/** Stock git as a person runs it, but with nobody's configuration. */
export async function git(directory: string, ...args: string[]): Promise<string> {
  const { stdout } = await run("git", args, { cwd: directory, env: GIT_ENVIRONMENT });
  return stdout.trimEnd();
}

/** What git wrote to standard error while it failed; fails itself when git does not. */
export async function gitRefusal(directory: string, ...args: string[]): Promise<string> {
  try {
    await run("git", args, { cwd: directory, env: GIT_ENVIRONMENT });
  } catch (error) {
    return String((error as { stderr?: string }).stderr);
  }
  throw new Error(`expected git ${args.join(" ")} to fail, and it did not`);
}

const GIT_ENVIRONMENT = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.com",
};

/** The clone URL with a token in it, as a person would paste it. */
export function withToken(forge: Pick<Forge, "cloneUrl">, token: string): string {
  return forge.cloneUrl.replace("://", `://x-access-token:${token}@`);
}

/** A branch with one commit that writes these files; null removes one. Answers the commit. */
export async function pushBranch(
  world: ForgeWorld,
  branch: string,
  files: Record<string, string | null>,
  options: { from?: string; message?: string } = {},
): Promise<string> {
  const { octokit, repo } = world;
  const from = options.from ?? (await tip(world, "main"));
  const tree = await octokit.git.createTree({
    ...repo,
    base_tree: from,
    tree: Object.entries(files).map(([path, content]) =>
      content === null
        ? { path, mode: "100644" as const, type: "blob" as const, sha: null }
        : { path, mode: "100644" as const, type: "blob" as const, content },
    ),
  });
  const commit = await octokit.git.createCommit({
    ...repo,
    message: options.message ?? `Change ${Object.keys(files).join(", ")}`,
    tree: tree.data.sha,
    parents: [from],
  });
  const { sha } = commit.data;
  const { data } = await octokit.git.listMatchingRefs({ ...repo, ref: `heads/${branch}` });
  if (data.some(({ ref }) => ref === `refs/heads/${branch}`)) {
    await octokit.git.updateRef({ ...repo, ref: `heads/${branch}`, sha, force: true });
  } else {
    await octokit.git.createRef({ ...repo, ref: `refs/heads/${branch}`, sha });
  }
  return sha;
}

export async function tip(world: ForgeWorld, branch: string): Promise<string> {
  const { data } = await world.octokit.git.getRef({ ...world.repo, ref: `heads/${branch}` });
  return data.object.sha;
}

export async function openPull(world: ForgeWorld, head: string, title = `Merge ${head}`) {
  const { data } = await world.octokit.pulls.create({ ...world.repo, title, head, base: "main" });
  return data;
}

export async function report(
  world: ForgeWorld,
  sha: string,
  state: "error" | "failure" | "pending" | "success",
  context = "jarvis/sandbox",
) {
  await world.octokit.repos.createCommitStatus({ ...world.repo, sha, state, context });
}

/** What the API refused with; fails when it did not refuse. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ status: number; message: string; body: Record<string, unknown> }> {
  try {
    await call;
  } catch (error) {
    const { status, response } = error as {
      status: number;
      response?: { data: Record<string, unknown> };
    };
    const body = response?.data ?? {};
    return { status, message: String(body["message"]), body };
  }
  throw new Error("expected the call to be refused, and it was not");
}

export async function requestLines(world: ForgeWorld): Promise<Record<string, unknown>[]> {
  const text = await readFile(world.forge.requestLog, "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
