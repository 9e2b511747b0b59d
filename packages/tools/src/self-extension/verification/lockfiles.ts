import { parseAllDocuments } from "yaml";
import { z } from "zod";
import type { AddedPackage } from "../release-action.ts";

export const DEFAULT_REGISTRY = "https://registry.npmjs.org/";

/** What nobody can let pass; `entry` is what it is about, so that a known one is not taken for another. */
export interface Problem {
  readonly sentence: string;
  readonly entry: string;
}

/** What a lockfile pins: packages of the registry, and everything else. */
export interface Locked {
  readonly packages: readonly AddedPackage[];
  readonly problems: readonly Problem[];
}

const npmEntry = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  inBundle: z.boolean().optional(),
});

const npmLockfile = z.object({
  lockfileVersion: z.union([z.literal(2), z.literal(3)]),
  packages: z.record(z.string(), npmEntry),
});

/** `package-lock.json`, version 2 or 3. */
export function readNpmLockfile(text: string, file: string, registry: string): Locked {
  const parsed = npmLockfile.safeParse(parseOrNull(() => JSON.parse(text) as unknown));
  if (!parsed.success) return unreadable(file, text);
  const packages: AddedPackage[] = [];
  const problems: Problem[] = [];
  for (const [path, entry] of Object.entries(parsed.data.packages)) {
    // The repository itself and its workspaces lie outside of node_modules.
    if (!path.includes("node_modules/")) continue;
    const read = readNpmEntry(path, entry, registry);
    if (typeof read !== "string") packages.push(...read);
    else {
      const sentence = `${file}: ${path} ${read}`;
      problems.push({ sentence, entry: JSON.stringify([path, entry]) });
    }
  }
  return { packages, problems };
}

/** The package that an entry pins, none for a workspace, or what is wrong with it. */
function readNpmEntry(
  path: string,
  entry: z.infer<typeof npmEntry>,
  registry: string,
): readonly AddedPackage[] | string {
  const { resolved, integrity, version } = entry;
  if (entry.link === true) {
    const isInside = resolved !== undefined && resolved !== "" && !isOutside(resolved);
    return isInside ? [] : `links to ${resolved ?? "nowhere"}, outside of the repository.`;
  }
  if (resolved !== undefined && !isFrom(registry, resolved)) {
    return `comes from ${resolved}, not from the registry.`;
  }
  const name = entry.name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const isNested = path.indexOf("node_modules/") !== path.lastIndexOf("node_modules/");
  // What is bundled comes inside of a package that has its own integrity.
  if (entry.inBundle === true && isNested && resolved === undefined && version !== undefined) {
    return [{ name, version, integrity: "in the package that it lies in" }];
  }
  if (!isIntegrity(integrity) || version === undefined) {
    return "has no integrity, so nobody can say what it is.";
  }
  return [{ name, version, integrity }];
}

const pnpmLockfile = z.object({
  lockfileVersion: z.string().startsWith("9."),
  patchedDependencies: z.unknown().optional(),
  importers: z.record(z.string(), z.unknown()).optional(),
  packages: z
    .record(z.string(), z.object({ resolution: z.record(z.string(), z.unknown()) }))
    .optional(),
});

/** `pnpm-lock.yaml`, version 9; a document of its own may lock the package manager. */
export function readPnpmLockfile(text: string, registry: string): Locked {
  const file = "pnpm-lock.yaml";
  const documents = parseOrNull(() => {
    const all = parseAllDocuments(text);
    if (!Array.isArray(all) || all.some(({ errors }) => errors.length > 0)) return null;
    return all.map((document) => document.toJS({ maxAliasCount: 0 }) as unknown);
  });
  const parsed = z.array(pnpmLockfile).min(1).safeParse(documents);
  if (!parsed.success) return unreadable(file, text);
  const packages: AddedPackage[] = [];
  const problems: Problem[] = [];
  for (const { patchedDependencies, importers = {}, packages: entries = {} } of parsed.data) {
    // pnpm writes into the directory of every importer.
    for (const path of Object.keys(importers).filter(isOutside)) {
      const sentence = `${file}: the importer ${path} lies outside of the repository.`;
      problems.push({ sentence, entry: JSON.stringify(["importers", path]) });
    }
    if (patchedDependencies !== undefined) {
      const sentence = `${file}: patchedDependencies would change packages after their integrity was checked.`;
      problems.push({ sentence, entry: JSON.stringify(patchedDependencies) });
    }
    for (const [key, { resolution }] of Object.entries(entries)) {
      const read = readPnpmEntry(key, resolution, registry);
      if (typeof read !== "string") packages.push(read);
      else {
        const sentence = `${file}: ${key} ${read}`;
        problems.push({ sentence, entry: JSON.stringify([key, resolution]) });
      }
    }
  }
  return { packages, problems };
}

function readPnpmEntry(
  key: string,
  resolution: Record<string, unknown>,
  registry: string,
): AddedPackage | string {
  const at = key.lastIndexOf("@");
  const { integrity, tarball, ...others } = resolution;
  const isElsewhere =
    tarball !== undefined && !(typeof tarball === "string" && isFrom(registry, tarball));
  const version = key.slice(at + 1);
  if (isElsewhere || at < 1 || Object.keys(others).length > 0 || !/^\d/.test(version)) {
    return "does not come from the registry.";
  }
  return isIntegrity(integrity)
    ? { name: key.slice(0, at), version, integrity }
    : "has no integrity, so nobody can say what it is.";
}

function unreadable(file: string, text: string): Locked {
  const sentence = `${file} cannot be read as a lockfile of a known version.`;
  return { packages: [], problems: [{ sentence, entry: text }] };
}

export function parseOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

// npm writes the public registry's addresses whatever registry it was given.
function isFrom(registry: string, url: string): boolean {
  return url.startsWith(registry) || url.startsWith(DEFAULT_REGISTRY);
}

function isIntegrity(value: unknown): value is string {
  return typeof value === "string" && /^sha(512|384|256)-[A-Za-z0-9+/]+={0,2}$/.test(value);
}

function isOutside(target: string): boolean {
  return (
    target.startsWith("/") || /^[A-Za-z][\w+.-]*:/.test(target) || target.split("/").includes("..")
  );
}
