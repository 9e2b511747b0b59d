import { posix } from "node:path";
import { z } from "zod";
import type { AddedPackage } from "../release-action.ts";
import {
  isFrom,
  isIntegrity,
  isOutside,
  unreadable,
  type LocalLink,
  type Locked,
  type Problem,
} from "./lockfiles.ts";
import { readYaml } from "./read-yaml.ts";

const tables = ["dependencies", "devDependencies", "optionalDependencies"] as const;
const table = z.record(z.string(), z.looseObject({ version: z.string() })).optional();
const importer = z
  .looseObject({ dependencies: table, devDependencies: table, optionalDependencies: table })
  .nullable();

const versionTable = z.record(z.string(), z.string()).optional();
const snapshot = z
  .looseObject({ dependencies: versionTable, optionalDependencies: versionTable })
  .nullable();

const pnpmLockfile = z.object({
  lockfileVersion: z.string().startsWith("9."),
  patchedDependencies: z.unknown().optional(),
  importers: z.record(z.string(), importer).optional(),
  snapshots: z.record(z.string(), snapshot).optional(),
  packages: z
    .record(z.string(), z.object({ resolution: z.record(z.string(), z.unknown()) }))
    .optional(),
});

/** `pnpm-lock.yaml`, version 9; a document of its own may lock the package manager. */
export async function readPnpmLockfile(text: string, registry: string): Promise<Locked> {
  const file = "pnpm-lock.yaml";
  const documents = await readYaml(text);
  const parsed = z.array(pnpmLockfile).min(1).safeParse(documents);
  if (!parsed.success) return unreadable(file, text);
  const packages: AddedPackage[] = [];
  const links: LocalLink[] = [];
  const problems: Problem[] = [];
  for (const document of parsed.data) {
    const {
      patchedDependencies,
      importers = {},
      packages: entries = {},
      snapshots = {},
    } = document;
    for (const [path, of] of Object.entries(importers)) {
      for (const [name, { version }] of tables.flatMap((each) =>
        Object.entries(of?.[each] ?? {}),
      )) {
        if (!LOCAL.test(version)) continue;
        const directory = folderOf(path, version);
        if (directory !== null) {
          links.push({ file, name, directory });
          continue;
        }
        const sentence = `${file}: ${name} is ${version} in ${path}, outside of the repository.`;
        problems.push({ sentence, entry: JSON.stringify([path, name, version]) });
      }
    }
    for (const [key, of] of Object.entries(snapshots)) {
      const versions = [of?.dependencies, of?.optionalDependencies].flatMap((each) =>
        Object.values(each ?? {}),
      );
      if (!versions.some((version) => LOCAL.test(version))) continue;
      const sentence = `${file}: ${key} links to a folder out of a package of the registry.`;
      problems.push({ sentence, entry: JSON.stringify([key, of]) });
    }
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
  return { packages, links, problems };
}

/** A dependency on a folder, as pnpm writes it. */
const LOCAL = /^(?:link|file|portal|workspace):/;

/** The folder that a dependency of an importer is; null where it lies outside of the repository. */
function folderOf(importerPath: string, version: string): string | null {
  const target = version.replace(LOCAL, "");
  const directory = posix.join(importerPath, target);
  return target.startsWith("/") || isOutside(directory) ? null : directory;
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
