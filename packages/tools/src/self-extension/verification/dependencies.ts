import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { SelfExtensionError } from "../errors.ts";
import { listTree, readBlobs, type Mirror } from "../git/mirror.ts";
import { endGroupAfter } from "../process-group.ts";
import type { GuardConfig } from "../guard-config.ts";
import type { Staged } from "../staged-change.ts";
import { pathExists } from "./path-exists.ts";

/** A read-only dependency tree: which `node_modules` directories it holds, relative to the repository. */
export interface DependencyTree {
  readonly key: string;
  readonly directory: string;
  readonly nodeModules: readonly string[];
  readonly lockfileDigest: string;
}

export interface PackageManagerRuntime {
  /** Environment for the package manager: PATH, HOME, proxies, registries; no secrets of Jarvis's. */
  readonly env: Readonly<Record<string, string>>;
  /** The pnpm that runs where a repository pins none. */
  readonly defaultPnpm: string;
}

// A cold store over a slow line; what takes longer hangs.
const INSTALL_LIMIT_MS = 600_000;

/** What is being installed has this before its name. */
const SCRATCH = ".new-";
/** Far longer than an installation may take. */
const LEFT_MS = 86_400_000;

const MANIFESTS =
  /(^|\/)(package\.json|pnpm-lock\.yaml|package-lock\.json|npm-shrinkwrap\.json|pnpm-workspace\.yaml|\.npmrc)$/;

/** Directories that tools write beside packages; a sized tmpfs is mounted over them in the sandbox. */
export const CACHE_DIRECTORIES = [".vite", ".vite-temp", ".cache"] as const;

/**
 * The dependency tree of a base, or of a change whose dependencies a person approved; built once per
 * lockfile, manifests, package-manager configuration and Node version. Where registries are is taken
 * from the base in any case, and no script of any package runs: neither a candidate nor a dependency
 * executes anything outside of the sandbox.
 */
export async function dependencyTree(
  mirror: Mirror,
  base: { tree: string; baseTree: string; config: GuardConfig },
  directory: string,
  runtime: PackageManagerRuntime,
): Promise<DependencyTree | null> {
  const { manager } = base.config.dependencies;
  if (manager === "none") return null;
  const entries = [
    ...(await listManifests(mirror, base.tree)).filter(({ path }) => !isNpmrc(path)),
    ...(await listManifests(mirror, base.baseTree)).filter(({ path }) => isNpmrc(path)),
  ];
  const blobs = await readBlobs(
    mirror,
    entries.map((entry) => entry.sha),
  );
  const hash = createHash("sha256").update(
    JSON.stringify([manager, process.version, process.arch]),
  );
  for (const entry of entries) hash.update(JSON.stringify([entry.path, entry.sha]));
  const key = hash.digest("hex").slice(0, 32);
  const lockfile = entries.find((entry) =>
    /^(pnpm-lock\.yaml|package-lock\.json|npm-shrinkwrap\.json)$/.test(entry.path),
  );
  if (lockfile === undefined) {
    throw new SelfExtensionError(
      "dependencies-failed",
      `There is no lockfile for ${manager}; commit one, because dependencies are pinned to it.`,
    );
  }
  const target = join(directory, key);
  if (!(await pathExists(target))) {
    await removeLeft(directory);
    const scratch = join(directory, `${SCRATCH}${randomUUID()}`);
    try {
      for (const entry of entries) {
        const path = join(scratch, entry.path);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, blobs.get(entry.sha) ?? "");
      }
      await install(manager, scratch, pinnedPnpm(blobs, entries) ?? runtime.defaultPnpm, runtime);
      await prepareMountPoints(scratch);
      // Two processes may build the same tree; the first rename wins and both are the same.
      await rename(scratch, target).catch(async (error: unknown) => {
        if (!(await pathExists(target))) throw error;
      });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  return {
    key,
    directory: target,
    nodeModules: await findNodeModules(target),
    lockfileDigest: `sha256:${createHash("sha256")
      .update(blobs.get(lockfile.sha) ?? "")
      .digest("hex")}`,
  };
}

/** What the base was built with, and what the change is built with: the same, unless approved. */
export interface Dependencies {
  readonly base: DependencyTree | null;
  readonly candidate: DependencyTree | null;
}

export async function dependenciesOf(
  mirror: Mirror,
  change: Pick<Staged, "baseTree" | "treeSha" | "config" | "approval" | "restored">,
  directory: string,
  runtime: PackageManagerRuntime,
): Promise<Dependencies> {
  const { baseTree, treeSha, config, approval, restored } = change;
  const base = await dependencyTree(
    mirror,
    { tree: baseTree, baseTree, config },
    directory,
    runtime,
  );
  const goesBack = [...restored].some((path) => MANIFESTS.test(path));
  if (!goesBack && approval?.released.includes("dependencies-changed") !== true)
    return { base, candidate: base };
  const candidate = await dependencyTree(
    mirror,
    { tree: treeSha, baseTree, config },
    directory,
    runtime,
  );
  return { base, candidate };
}

/** Removes what installations left that were killed: it is as large as a tree, and nobody's. */
async function removeLeft(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.startsWith(SCRATCH)) continue;
    const left = await stat(join(directory, name)).catch(() => null);
    if (left === null || Date.now() - left.mtimeMs < LEFT_MS) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function listManifests(mirror: Mirror, tree: string) {
  return (await listTree(mirror, tree)).filter(
    (entry) =>
      entry.type === "blob" && MANIFESTS.test(entry.path) && !entry.path.includes("node_modules/"),
  );
}

function isNpmrc(path: string): boolean {
  return posix.basename(path) === ".npmrc";
}

function pinnedPnpm(
  blobs: ReadonlyMap<string, Buffer>,
  entries: readonly { path: string; sha: string }[],
): string | null {
  const root = entries.find((entry) => entry.path === "package.json");
  const text = root === undefined ? "" : (blobs.get(root.sha)?.toString("utf8") ?? "");
  return /"packageManager"\s*:\s*"pnpm@(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null;
}

async function install(
  manager: "pnpm" | "npm",
  cwd: string,
  pnpmVersion: string,
  runtime: PackageManagerRuntime,
): Promise<void> {
  const argv =
    manager === "npm"
      ? ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
      : [
          "npx",
          "--yes",
          `pnpm@${pnpmVersion}`,
          "install",
          "--frozen-lockfile",
          "--ignore-scripts",
          "--ignore-pnpmfile",
          "--prefer-offline",
          "--config.confirm-modules-purge=false",
        ];
  const { exitCode, tail } = await new Promise<{ exitCode: number | null; tail: string }>(
    (resolve, reject) => {
      const child = spawn(argv[0] ?? "npm", argv.slice(1), {
        cwd,
        env: { ...runtime.env, CI: "1" },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      child.on("error", reject);
      // Without free descriptors it has no streams either; the event, a turn later, tells why.
      if (child.pid === undefined) return;
      const stopClock = endGroupAfter(child, INSTALL_LIMIT_MS);
      let output = "";
      const keep = (chunk: Buffer): void => {
        output = (output + chunk.toString("utf8")).slice(-4000);
      };
      child.stdout.on("data", keep);
      child.stderr.on("data", keep);
      child.on("close", (code) => {
        stopClock();
        resolve({ exitCode: code, tail: output });
      });
    },
  );
  if (exitCode !== 0) {
    throw new SelfExtensionError(
      "dependencies-failed",
      `Installing the dependencies with ${manager} failed (${exitCode ?? "killed"}): ${tail.trim().split("\n").slice(-5).join(" ")}`,
    );
  }
}

/** bwrap cannot make a mount point inside a read-only tree, so they are made here, once. */
async function prepareMountPoints(root: string): Promise<void> {
  for (const directory of await findNodeModules(root)) {
    for (const cache of CACHE_DIRECTORIES) {
      await mkdir(join(root, directory, cache), { recursive: true });
    }
  }
}

async function findNodeModules(root: string, directory = ""): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, directory), { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = posix.join(directory, entry.name);
    if (entry.name === "node_modules") found.push(path);
    else found.push(...(await findNodeModules(root, path)));
  }
  return found.sort();
}
