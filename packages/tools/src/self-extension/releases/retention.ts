import { randomUUID } from "node:crypto";
import { readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { removeOutput } from "@jarvis/sandbox";
import { pathExists } from "../verification/path-exists.ts";
import { releasePlace } from "./check-release.ts";

export interface Retention {
  /** Blessed releases, the newest first. */
  readonly blessed: readonly string[];
  readonly keepBlessed: number;
  /** What something runs from: kept whatever its age. */
  readonly inUse: readonly string[];
  /** How many others are kept, the newest first: verified and not promoted yet, or not any more. */
  readonly keepOthers: number;
}

/** Removes what retention does not keep, and answers the digests that are gone. */
export async function pruneReleases(directory: string, retention: Retention): Promise<string[]> {
  const kept = new Set([...retention.blessed.slice(0, retention.keepBlessed), ...retention.inUse]);
  const present = await listReleases(directory);
  const others = present.filter((digest) => !kept.has(digest));
  const aged = await Promise.all(
    others.map(async (digest) => ({
      digest,
      at: (await stat(releasePlace(directory, digest))).mtimeMs,
    })),
  );
  const gone = aged.sort((a, b) => b.at - a.at).slice(retention.keepOthers);
  for (const { digest } of gone) await discard(directory, releasePlace(directory, digest));
  return gone.map(({ digest }) => digest);
}

/** The digests of the releases in the store, whether or not they would pass a check. */
export async function listReleases(directory: string): Promise<string[]> {
  return (await namesIn(directory))
    .filter((name) => /^sha256-[0-9a-f]{64}$/.test(name))
    .map((name) => name.replace("-", ":"))
    .sort();
}

/** Removes what an ended process left half written or half removed. */
export async function sweepReleases(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) {
    const isOurs = name.includes(thisProcess);
    if (/^\.(new|old)-/.test(name) && !isOurs) await removeOutput(join(directory, name));
  }
}

const thisProcess = randomUUID();

/** A name for what is being written or removed, which only another process sweeps away. */
export function passingName(what: "new" | "old"): string {
  return `.${what}-${thisProcess}-${randomUUID()}`;
}

/** Out of its place at once, so that nobody finds half a release; then away. */
export async function discard(directory: string, place: string): Promise<void> {
  const aside = join(directory, passingName("old"));
  await rename(place, aside);
  await removeOutput(aside);
}

/** A store that nothing was installed in yet is empty; one that cannot be read is not. */
async function namesIn(directory: string): Promise<string[]> {
  return (await pathExists(directory)) ? await readdir(directory) : [];
}
