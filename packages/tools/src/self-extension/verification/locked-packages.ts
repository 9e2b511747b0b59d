import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { listTree, readBlobs, type Mirror } from "../git/mirror.ts";
import type { Refusal } from "../proposal.ts";
import type { AddedPackage } from "../release-action.ts";
import type { PackageManagerRuntime } from "./dependencies.ts";
import { linkProblems } from "./local-links.ts";
import { DEFAULT_REGISTRY, parseOrNull, type Locked } from "./lockfiles.ts";
import { readNpmLockfile } from "./npm-lockfile.ts";
import { readPnpmLockfile } from "./pnpm-lockfile.ts";
import { readYaml } from "./read-yaml.ts";

/*
 * What an approved change of dependencies may bring: packages of the registry, each with its
 * integrity. Everything else (git, local files, other hosts, patches, another package manager) could
 * bring code that the person who approves is not shown.
 */

/**
 * The packages that a change adds to the lockfile, or locks in another form, and what of it cannot
 * be let pass at all. Only what the change brings is judged: the base was accepted before.
 */
export async function addedPackages(
  mirror: Mirror,
  change: { readonly baseTree: string; readonly treeSha: string },
  runtime: Pick<PackageManagerRuntime, "env">,
): Promise<{ packages: readonly AddedPackage[]; refusals: readonly Refusal[] }> {
  const registry = `${runtime.env["npm_config_registry"] ?? DEFAULT_REGISTRY}/`.replace(
    /\/+$/,
    "/",
  );
  const before = await readDependencyFiles(mirror, change.baseTree);
  const after = await readDependencyFiles(mirror, change.treeSha);
  const base = await lockedIn(before, registry);
  const candidate = await lockedIn(after, registry);
  const known = new Set(base.packages.map(keyOf));
  const knownProblems = new Set(base.problems.map(({ entry }) => entry));
  const baseLinks = await linkProblems(mirror, change.baseTree, base.links);
  for (const { entry } of baseLinks) knownProblems.add(entry);
  const problems = [
    ...[...candidate.problems, ...(await linkProblems(mirror, change.treeSha, candidate.links))]
      .filter(({ entry }) => !knownProblems.has(entry))
      .map(({ sentence }) => sentence),
    ...(await configurationProblems(before, after)),
  ];
  return {
    packages: candidate.packages.filter((locked) => !known.has(keyOf(locked))),
    refusals: problems.map((detail) => ({ reason: "dependencies-changed", detail })),
  };
}

type Files = ReadonlyMap<string, string>;

/** Files at the root that say what is installed and how. */
async function readDependencyFiles(mirror: Mirror, tree: string): Promise<Files> {
  const names = new Set([
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
  ]);
  const entries = (await listTree(mirror, tree)).filter(({ path }) => names.has(path));
  const blobs = await readBlobs(
    mirror,
    entries.map(({ sha }) => sha),
  );
  return new Map(entries.map(({ path, sha }) => [path, blobs.get(sha)?.toString("utf8") ?? ""]));
}

async function lockedIn(files: Files, registry: string): Promise<Locked> {
  const read: Locked[] = [];
  for (const name of ["package-lock.json", "npm-shrinkwrap.json"]) {
    const text = files.get(name);
    if (text !== undefined) read.push(readNpmLockfile(text, name, registry));
  }
  const pnpm = files.get("pnpm-lock.yaml");
  if (pnpm !== undefined) read.push(await readPnpmLockfile(pnpm, registry));
  const packages = new Map(
    read.flatMap(({ packages: locked }) => locked.map((one) => [keyOf(one), one])),
  );
  return {
    packages: [...packages.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    links: read.flatMap(({ links }) => links),
    problems: read.flatMap(({ problems }) => problems),
  };
}

function keyOf({ name, version, integrity }: AddedPackage): string {
  return JSON.stringify([name, version, integrity]);
}

// Of pnpm-workspace.yaml, what says which packages there are; the rest says how they are installed.
const harmlessSettings = new Set([
  "packages",
  "catalog",
  "catalogs",
  "overrides",
  "packageExtensions",
  "peerDependencyRules",
  // No script of a package runs whatever these say.
  "allowBuilds",
  "onlyBuiltDependencies",
  "ignoredBuiltDependencies",
  "neverBuiltDependencies",
]);

/** Changes of how packages are installed, which an approval of packages does not cover. */
async function configurationProblems(before: Files, after: Files): Promise<string[]> {
  const problems: string[] = [];
  const oldSettings = await readSettings(before);
  const newSettings = await readSettings(after);
  if (oldSettings === null || newSettings === null) {
    problems.push("pnpm-workspace.yaml cannot be read as settings.");
  } else {
    for (const name of changedKeys(oldSettings, newSettings)) {
      if (harmlessSettings.has(name)) continue;
      problems.push(
        `pnpm-workspace.yaml: ${name} says how packages are installed; a person commits that.`,
      );
    }
  }
  const oldManifest = readManifest(before);
  const newManifest = readManifest(after);
  if (oldManifest === null || newManifest === null) {
    problems.push("package.json cannot be read.");
    return problems;
  }
  for (const name of ["packageManager", "devEngines", "pnpm", "bundleDependencies"]) {
    if (isDeepStrictEqual(oldManifest[name], newManifest[name])) continue;
    problems.push(`package.json: ${name} says how packages are installed; a person commits that.`);
  }
  return problems;
}

function changedKeys(a: Record<string, unknown>, b: Record<string, unknown>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (name) => !isDeepStrictEqual(a[name], b[name]),
  );
}

const mapping = z.record(z.string(), z.unknown());

/** Empty where the file is missing, null where it is no mapping. */
function readManifest(files: Files): Record<string, unknown> | null {
  const text = files.get("package.json") ?? "{}";
  return mapping.safeParse(parseOrNull(() => JSON.parse(text) as unknown)).data ?? null;
}

async function readSettings(files: Files): Promise<Record<string, unknown> | null> {
  const documents = (await readYaml(files.get("pnpm-workspace.yaml") ?? "{}")) ?? [];
  return documents.length === 1 ? (mapping.safeParse(documents[0]).data ?? null) : null;
}
