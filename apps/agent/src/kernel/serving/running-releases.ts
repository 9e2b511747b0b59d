import type { BlessedRelease, PipelineWorld, WindowCause } from "@jarvis/tools/self-extension";
import type { KeepBodyOptions } from "../body/keeper.ts";
import { oneAtATime } from "../reconciler.ts";
import { forThisNode } from "./first-baseline.ts";
import { knownRun } from "./go-back.ts";
import { inTime, PASSING_PATIENCE_MS } from "./in-time.ts";
import type { WatchedRun } from "./lifecycle-writer.ts";
import type { ReleaseSettings } from "./release-settings.ts";
import { fetchRelease } from "./release-shelf.ts";
import { WatchedRelease, type ServedRelease } from "./watched-release.ts";

/** A release that was promoted and is judged while it runs beside the blessed one. */
export interface Candidate {
  readonly watched: WatchedRelease;
  readonly runId: string;
}

export interface RunningReleasesParts {
  readonly world: PipelineWorld;
  /** How a release is run and watched: what its own tree says, which was let pass with it. */
  readonly settings: (treeSha: string) => Promise<ReleaseSettings>;
  /** Who switched the body off, null while it may run, "unknown" where the database does not say. */
  readonly suspension: () => Promise<Suspension | null | "unknown">;
}

type Suspension = Parameters<WatchedRelease["keeper"]["suspend"]>[0];

const neverRead: Suspension = { by: "system", reason: "observe-only" };

/** Whom a watched release tells. Neither may throw or wait. */
export interface Watchers {
  /** Nothing that is still to come changes the verdict. */
  readonly onFinal: (watched: WatchedRelease) => void;
  /** A window began anew. */
  readonly onRestart: (cause: WindowCause) => void;
}

/**
 * The bodies that run: that of the blessed release, and beside it that of the candidate, or of a
 * release that is gone back to, until it answers.
 */
export class RunningReleases {
  baseline: WatchedRelease | null = null;
  candidate: Candidate | null = null;
  /** All that were begun and not ended. */
  readonly #begun = new Set<WatchedRelease>();
  #isOver = false;
  readonly #parts: RunningReleasesParts;
  readonly #watchers: Watchers;
  /** As it was read last; undefined before the first time. */
  #knownSuspension: Suspension | null | undefined;
  /** One after another: a body takes a while to end, and may run again by then. */
  readonly #following = oneAtATime(async () => await this.#follow());

  constructor(parts: RunningReleasesParts, watchers: Watchers) {
    this.#parts = parts;
    this.#watchers = watchers;
  }

  /** The body that serves: the candidate while it is watched, else the blessed one. */
  get serving(): WatchedRelease | null {
    return this.candidate?.watched ?? this.baseline;
  }

  /**
   * Begins the body of a blessed release. It is not the baseline yet: who begins it says when, and ends
   * it where it does not become one. Throws where the release cannot be had.
   */
  async beginBlessed(wanted: BlessedRelease, patienceMs?: number): Promise<WatchedRelease> {
    const { world } = this.#parts;
    let blessed = wanted;
    let fetched = await fetchRelease(world, blessed, { isBlessed: true });
    if (!fetched.ok && fetched.code === "node-differs") {
      blessed = await forThisNode(world, wanted);
      fetched = await fetchRelease(world, blessed, { isBlessed: true });
    }
    if (!fetched.ok) throw new Error(`The blessed release cannot run: ${fetched.detail}`);
    return await this.begin({
      facts: blessed,
      run: await knownRun(world, blessed.runId, patienceMs),
      release: fetched.release,
      purpose: "watch",
      record: blessed.record,
      changedTools: new Set(),
    });
  }

  /** Begins a body and the questions to it. */
  async begin(options: {
    facts: ServedRelease;
    run: WatchedRun;
    release: KeepBodyOptions["release"];
    purpose: "bless" | "watch";
    record: BlessedRelease["record"];
    changedTools: ReadonlySet<string>;
  }): Promise<WatchedRelease> {
    const { facts, run, release, purpose, record } = options;
    const { config, body } = await this.#parts.settings(facts.treeSha);
    const suspension = await this.#readSuspension();
    const watched = new WatchedRelease({
      facts,
      run,
      purpose,
      record,
      config,
      body: {
        ...body,
        release,
        ...(suspension === null ? {} : { suspended: suspension }),
      },
      // What is blessed is held to its own record, and not to the one that it takes the place of.
      baseline: () => (purpose === "watch" ? null : this.baseline),
      onVerdict: ({ final }) => {
        if (final) this.#watchers.onFinal(watched);
      },
      onRestart: (window) =>
        this.#watchers.onRestart(window.restarts.at(-1)?.cause ?? "clock-jump"),
    });
    this.#begun.add(watched);
    try {
      await watched.startProbing(options.changedTools);
      if (this.#isOver) throw new Error("the kernel is stopping");
    } catch (error) {
      await this.end(watched);
      throw error;
    }
    return watched;
  }

  /** Ends a body for good. */
  async end(watched: WatchedRelease): Promise<void> {
    this.#begun.delete(watched);
    await watched.stop();
  }

  /** The switches may have moved: bodies run while Jarvis may execute, and else are suspended. */
  async followSwitches(): Promise<void> {
    await this.#following.run();
  }

  async #follow(): Promise<void> {
    const read = await this.#parts.suspension();
    // What cannot be read is no permission.
    const suspension = read === "unknown" ? neverRead : read;
    this.#knownSuspension = suspension;
    const keepers = [...this.#begun].map(({ keeper }) => keeper);
    if (suspension === null) for (const keeper of keepers) keeper.resume();
    else await Promise.all(keepers.map(async (keeper) => await keeper.suspend(suspension)));
  }

  /**
   * Who switched the bodies off. Where the database does not say in time it is as it was read last:
   * the release before may run where the one that it replaces runs. What was never read is waited for.
   */
  async #readSuspension(): Promise<Suspension | null> {
    const asked = this.#parts.suspension().catch(() => "unknown" as const);
    const known = this.#knownSuspension;
    const read =
      known === undefined ? await asked : await inTime(asked, PASSING_PATIENCE_MS, "late" as const);
    if (read === "late") {
      // Slow, not gone: what it says in the end counts.
      void asked
        .then(async (late) => late === "unknown" || (await this.followSwitches()))
        .catch(() => undefined);
      return known ?? null;
    }
    if (read === "unknown") return known === undefined ? neverRead : known;
    return (this.#knownSuspension = read);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    for (const watched of this.#begun) await this.end(watched);
  }
}
