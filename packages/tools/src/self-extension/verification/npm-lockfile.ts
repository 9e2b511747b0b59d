import { z } from "zod";
import type { AddedPackage } from "../release-action.ts";
import {
  isFrom,
  isIntegrity,
  isOutside,
  parseOrNull,
  unreadable,
  type LocalLink,
  type Locked,
  type Problem,
} from "./lockfiles.ts";

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
  const links: LocalLink[] = [];
  const problems: Problem[] = [];
  for (const [path, entry] of Object.entries(parsed.data.packages)) {
    // The repository itself and its workspaces lie outside of node_modules.
    if (!path.includes("node_modules/")) continue;
    if (entry.link === true && isOwnLink(path, entry.resolved)) {
      links.push({ file, name: nameOf(path), directory: entry.resolved });
      continue;
    }
    const read = readNpmEntry(path, entry, registry);
    if (typeof read !== "string") packages.push(...read);
    else {
      const sentence = `${file}: ${path} ${read}`;
      problems.push({ sentence, entry: JSON.stringify([path, entry]) });
    }
  }
  return { packages, links, problems };
}

/** Of this repository, and for it: a package of the registry is what its integrity says and no more. */
function isOwnLink(path: string, resolved: string | undefined): resolved is string {
  return resolved !== undefined && resolved !== "" && !isOutside(resolved) && !isNested(path);
}

function isNested(path: string): boolean {
  return path.indexOf("node_modules/") !== path.lastIndexOf("node_modules/");
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}

/** The package that an entry pins, or what is wrong with it. */
function readNpmEntry(
  path: string,
  entry: z.infer<typeof npmEntry>,
  registry: string,
): readonly AddedPackage[] | string {
  const { resolved, integrity, version } = entry;
  if (entry.link === true) {
    return isNested(path)
      ? `links to ${resolved ?? "nowhere"} out of a package of the registry.`
      : `links to ${resolved ?? "nowhere"}, outside of the repository.`;
  }
  if (resolved !== undefined && !isFrom(registry, resolved)) {
    return `comes from ${resolved}, not from the registry.`;
  }
  const name = entry.name ?? nameOf(path);
  // What is bundled comes inside of a package that has its own integrity.
  if (
    entry.inBundle === true &&
    isNested(path) &&
    resolved === undefined &&
    version !== undefined
  ) {
    return [{ name, version, integrity: "in the package that it lies in" }];
  }
  if (!isIntegrity(integrity) || version === undefined) {
    return "has no integrity, so nobody can say what it is.";
  }
  return [{ name, version, integrity }];
}
