import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, type JarvisDatabase } from "@jarvis/db";
import { seenHere, type Anchor } from "@jarvis/ledger";
import {
  fetchBase,
  hasCommit,
  lastSeenBase,
  readLedgerAnchors,
  readPushed,
  type GitHubTarget,
  type Mirror,
} from "@jarvis/tools/self-extension";

/** The repository that carries the ledger's checkpoints. */
export interface CarryingRepository {
  readonly mirror: Mirror;
  readonly github: () => GitHubTarget;
}

/** What says outside of the database what the ledger was. */
export interface SeenOutside {
  readonly anchors: readonly Anchor[];
  /** Why the repository host could not be asked, which may hold newer ones; null where it was. */
  readonly unasked: string | null;
}

/** How long the host is waited for: what is here is looked at without it. */
const ASK_MS = 10_000;

export async function seenOutside(
  { db, stateDirectory }: { readonly db: JarvisDatabase; readonly stateDirectory: string },
  repository: CarryingRepository,
): Promise<SeenOutside> {
  const own = seenHere(stateDirectory);
  const asked = await Promise.race([
    askHost(db, repository).catch((error: unknown) => ({ unasked: messageOf(error) })),
    sleep(ASK_MS, { unasked: `no answer in ${ASK_MS / 1000} s` }, { ref: false }),
  ]);
  const answer = "unasked" in asked ? null : asked;
  // The commits that came with an earlier look are here, whether the host is or not.
  const base = answer?.base ?? (await lastSeenBase(db));
  const isHere = base !== null && (await hasCommit(repository.mirror, base));
  const carried = isHere ? await readLedgerAnchors(repository.mirror, base) : [];
  return {
    anchors: [...own, ...carried, ...(answer?.pushed ?? [])],
    unasked: "unasked" in asked ? asked.unasked : null,
  };
}

async function askHost(
  db: JarvisDatabase,
  { mirror, github }: CarryingRepository,
): Promise<{ base: string; pushed: Anchor[] }> {
  const target = github();
  const base = await fetchBase({ db, github: target, mirror });
  const there = await readPushed(target);
  return { base, pushed: there === null ? [] : [there.anchor] };
}
