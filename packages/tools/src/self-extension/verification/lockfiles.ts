import type { AddedPackage } from "../release-action.ts";

export const DEFAULT_REGISTRY = "https://registry.npmjs.org/";

/** What nobody can let pass; `entry` is what it is about, so that a known one is not taken for another. */
export interface Problem {
  readonly sentence: string;
  readonly entry: string;
}

/** A dependency that is taken from a folder of the repository. */
export interface LocalLink {
  readonly file: string;
  readonly name: string;
  readonly directory: string;
}

/** What a lockfile pins: packages of the registry, folders of the repository, and everything else. */
export interface Locked {
  readonly packages: readonly AddedPackage[];
  readonly links: readonly LocalLink[];
  readonly problems: readonly Problem[];
}

export function unreadable(file: string, text: string): Locked {
  const sentence = `${file} cannot be read as a lockfile of a known version.`;
  return { packages: [], links: [], problems: [{ sentence, entry: text }] };
}

export function parseOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

// npm writes the public registry's addresses whatever registry it was given.
export function isFrom(registry: string, url: string): boolean {
  return url.startsWith(registry) || url.startsWith(DEFAULT_REGISTRY);
}

export function isIntegrity(value: unknown): value is string {
  return typeof value === "string" && /^sha(512|384|256)-[A-Za-z0-9+/]+={0,2}$/.test(value);
}

export function isOutside(target: string): boolean {
  return (
    target.startsWith("/") || /^[A-Za-z][\w+.-]*:/.test(target) || target.split("/").includes("..")
  );
}
