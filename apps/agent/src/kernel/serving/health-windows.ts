import { emptyRecord, type WindowCause } from "@jarvis/tools/self-extension";
import { rebuilt } from "./first-baseline.ts";
import type { PromotedRelease } from "./promoted-release.ts";
import type { ReleaseLifeState } from "./release-life-parts.ts";
import { fetchRelease } from "./release-shelf.ts";
import type { ServedRelease, WatchedRelease } from "./watched-release.ts";

/** Opens the health windows of promoted releases, and has the ledger say when one begins and how it fails. */
export class HealthWindows {
  readonly #life: ReleaseLifeState;

  constructor(life: ReleaseLifeState) {
    this.#life = life;
  }

  /** Lets a promoted release serve beside the blessed one, watched; answers why where it may not run. */
  async open({
    release: named,
    run,
    changedTools,
  }: PromotedRelease): Promise<{ refused: ServedRelease; why: string } | null> {
    const { parts, pointers, running } = this.#life;
    const { world } = parts;
    let release = named;
    let fetched = await fetchRelease(world, release, { isBlessed: false });
    if (!fetched.ok && fetched.code === "node-differs") {
      release = await rebuilt(world, named);
      fetched = await fetchRelease(world, release, { isBlessed: false });
    }
    if (!fetched.ok) return { refused: release, why: fetched.detail };
    const cause: WindowCause =
      run.windows > 0 ? "kernel-restarted" : release.runId === null ? "accepted" : "promoted";
    pointers.serve(release, "promoted");
    const watched = await running.begin({
      facts: release,
      run,
      release: fetched.release,
      purpose: "bless",
      record: pointers.baseline?.current.record ?? emptyRecord,
      changedTools,
    });
    running.candidate = { watched, runId: run.context.runId };
    await this.recordStart(cause);
    return null;
  }

  /** Of the candidate, where there is one. */
  async recordStart(cause: WindowCause): Promise<void> {
    const { running, writer } = this.#life;
    if (running.candidate === null) return;
    const { watched } = running.candidate;
    await writer.windowStarted(watched.run.context, {
      number: numberOf(watched),
      cause,
      release: watched.facts,
      baselineReleaseDigest: running.baseline?.facts.releaseDigest ?? null,
      window: watched.window,
    });
  }

  async recordFailure(watched: WatchedRelease): Promise<void> {
    const { window, facts: release, verdict, run } = watched;
    const number = numberOf(watched);
    await this.#life.writer.windowFailed(run.context, { number, release, window, verdict });
  }
}

/** Windows are numbered through the life of a run, whoever watched it. */
export function numberOf({ run, window }: WatchedRelease): number {
  return run.windows + window.ordinal;
}
