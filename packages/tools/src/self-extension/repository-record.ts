import { randomUUID } from "node:crypto";
import { compareAndSetAgentState, readAgentState, type JarvisDatabase } from "@jarvis/db";
import { z } from "zod";

const KEY = "self_extension:repository";

/** The repository as it was when it was connected, and which database this is. */
export const repositoryRecord = z.object({
  /** Names this database on the host. A database that was made anew has another. */
  instanceId: z.uuid(),
  repositoryId: z.int().positive(),
  owner: z.string().min(1),
  repo: z.string().min(1),
  baseBranch: z.string().min(1),
  /** Where a person and git find it, for a start while the host is away. */
  webUrl: z.string(),
  cloneUrl: z.string(),
  /** The commit by which this database said that the repository is its own; null before the first promotion. */
  markerSha: z.string().nullable(),
});
export type RepositoryRecord = z.infer<typeof repositoryRecord>;

/** What the host says of a repository. */
export type RepositoryFacts = Omit<RepositoryRecord, "instanceId" | "markerSha">;

/** Null where none was connected yet, or the row cannot be read: then this is another instance. */
export async function readRepositoryRecord(db: JarvisDatabase): Promise<RepositoryRecord | null> {
  const parsed = repositoryRecord.safeParse((await readAgentState(db, KEY))?.value);
  return parsed.success ? parsed.data : null;
}

/**
 * Keeps the first connection and answers it: what is meant is its number and its base branch. Its
 * names and addresses are followed where the number is the same.
 */
export async function rememberRepository(
  db: JarvisDatabase,
  facts: RepositoryFacts,
): Promise<RepositoryRecord> {
  return await changeRecord(db, (known) => {
    if (known === null) return { instanceId: randomUUID(), markerSha: null, ...facts };
    if (known.repositoryId !== facts.repositoryId) return known;
    return { ...known, ...facts, baseBranch: known.baseBranch };
  });
}

/** A takeover: from now on this repository and this base branch are the ones meant. */
export async function replaceRepository(
  db: JarvisDatabase,
  facts: RepositoryFacts & { readonly markerSha: string },
): Promise<RepositoryRecord> {
  return await changeRecord(db, (known) => ({
    instanceId: known?.instanceId ?? randomUUID(),
    ...facts,
  }));
}

export async function rememberMarker(db: JarvisDatabase, markerSha: string): Promise<void> {
  await changeRecord(db, (known) => {
    if (known === null) throw new Error("no repository was connected");
    return { ...known, markerSha };
  });
}

/** For a repository that was made and taken back before anything was promoted to it. */
export async function forgetRepository(db: JarvisDatabase): Promise<void> {
  const row = await readAgentState(db, KEY);
  if (row === null) return;
  await compareAndSetAgentState(db, KEY, { expectedVersion: row.version, value: {} });
}

async function changeRecord(
  db: JarvisDatabase,
  change: (known: RepositoryRecord | null) => RepositoryRecord,
): Promise<RepositoryRecord> {
  for (;;) {
    const row = await readAgentState(db, KEY);
    const parsed = repositoryRecord.safeParse(row?.value);
    const known = parsed.success ? parsed.data : null;
    const next = change(known);
    if (known !== null && JSON.stringify(next) === JSON.stringify(known)) return known;
    const written = await compareAndSetAgentState(db, KEY, {
      expectedVersion: row?.version ?? null,
      value: next,
    });
    if (written.outcome === "written") return next;
  }
}
