import { join } from "node:path";
import { lastSeenBase, sweepReleases } from "@jarvis/tools/self-extension";
import { CoolDown } from "../cool-down.ts";
import { Blessing } from "./blessing.ts";
import { eventWriter } from "./event-writer.ts";
import { finishReverts } from "./go-back.ts";
import { HealthWindows } from "./health-windows.ts";
import { LifecycleWriter } from "./lifecycle-writer.ts";
import {
  overtakenRelease,
  promotedRelease,
  titleOfUnjudged,
  type PromotedRelease,
} from "./promoted-release.ts";
import type { ReleaseLifeParts, ReleaseLifeState } from "./release-life-parts.ts";
import { ReleasePointers } from "./release-pointers.ts";
import type { RollbackAnswer } from "./rollback-refused.ts";
import { RunningReleases, type Candidate } from "./running-releases.ts";
import { Turns } from "./turns.ts";
import type { WatchedRelease } from "./watched-release.ts";
import { betweenAttempts, WayBack } from "./way-back.ts";

/**
 * What becomes of what runs: a promoted release is watched beside the blessed one until its health
 * window has decided, then blessed or rolled back. Everything here happens one after another, in
 * turns; what a crash interrupts is read from pointers and ledger and finished by the next turn.
 */
export class ReleaseLife {
  readonly #life: ReleaseLifeState;
  readonly #windows: HealthWindows;
  readonly #blessing: Blessing;
  readonly #wayBack: WayBack;
  readonly #turns = new Turns();
  /** Between the beginnings of a baseline that gave up. */
  readonly #revival = new CoolDown(betweenAttempts);
  #isDeciding = false;
  /** The commit of the base for which everything was done that has to be. */
  #attended: string | null = null;

  constructor(parts: ReleaseLifeParts) {
    const { world, onProblem } = parts;
    const events = eventWriter(world.db, join(parts.stateDir, "journal.ndjson"), onProblem);
    this.#life = {
      parts,
      events,
      writer: new LifecycleWriter(events),
      pointers: new ReleasePointers(world, onProblem),
      running: new RunningReleases(parts, {
        onFinal: (watched) => void this.#decide(watched).catch(onProblem),
        onRestart: (cause) =>
          void this.#turns
            .take(async () => await this.#windows.recordStart(cause))
            .catch(onProblem),
      }),
    };
    this.#windows = new HealthWindows(this.#life);
    this.#blessing = new Blessing(this.#life);
    this.#wayBack = new WayBack(this.#life, () => this.#turns.isOver);
  }

  /** The body that serves: the candidate while it is watched, else the blessed one. */
  get serving(): WatchedRelease | null {
    return this.#life.running.serving;
  }

  get candidate(): Candidate | null {
    return this.#life.running.candidate;
  }

  /** Commits of the releases that one can go back to, the newest first. */
  get earlier(): readonly string[] {
    const from = this.serving?.facts;
    return from === undefined ? [] : this.#life.pointers.wayBack(from);
  }

  /** Reads where things stand and goes on from there. The first start makes the first baseline. */
  async start(): Promise<void> {
    const { parts, events, pointers, running } = this.#life;
    await this.#turns.take(async () => {
      await sweepReleases(parts.world.directories.releases);
      await events.replay();
      const pointer = await pointers.open();
      await finishReverts(parts.world);
      running.baseline = await running.beginBlessed(pointer.current);
      await this.#blessing.moveKernel();
    });
  }

  /** Looks for a release that was promoted and does not run yet, or for a way back to finish. */
  async tend(): Promise<void> {
    const { parts, running } = this.#life;
    const { world } = parts;
    // Read before the turn: a database that does not answer must not keep an order to go back waiting.
    const sha = await lastSeenBase(world.db);
    await this.#blessing.finish();
    await this.#wayBack.finish();
    await this.#turns.take(async () => {
      this.#reviveBaseline();
      if (running.candidate !== null || running.baseline === null) return;
      await this.#blessing.moveKernel();
      // A window that is opened now would only begin anew in the next kernel.
      if (parts.kernel.isMoving()) return;
      if (sha === null || sha === this.#attended) return;
      const blessed = running.baseline.facts.sha;
      const overtaken = await overtakenRelease(world, { base: sha, blessed });
      if (await this.#attend(overtaken ?? (await promotedRelease(world, sha)))) {
        this.#attended = overtaken === null ? sha : null;
      }
    });
  }

  /** The title of a promoted change that is not judged yet, whether or not its body runs already. */
  async unblessed(): Promise<string | null> {
    const { parts, pointers } = this.#life;
    const sha = await lastSeenBase(parts.world.db);
    const blessed = pointers.baseline?.current;
    // Before the first release is built there is nothing that a promotion could go back to.
    if (blessed === undefined) return "the release that Jarvis starts with";
    if (sha === null || sha === blessed.sha) return null;
    return await titleOfUnjudged(parts.world, sha, blessed.releaseDigest);
  }

  /** Goes back on an operator's order, as `WayBack.rollBack`, when its turn has come. */
  async rollBack(order: { reason: string; to: string | null }): Promise<RollbackAnswer> {
    return await this.#turns.take(async () => await this.#wayBack.rollBack(order));
  }

  /** The switches may have moved: bodies run while Jarvis may execute, and else are suspended. */
  async followSwitches(): Promise<void> {
    await this.#life.running.followSwitches();
  }

  async stop(): Promise<void> {
    this.#turns.close();
    await this.#life.running.stop();
    await this.#turns.ended();
  }

  /** Does what has to become of a release now; false where that has to be tried again. */
  async #attend(promoted: PromotedRelease | null): Promise<boolean> {
    switch (promoted?.step) {
      case undefined:
        return true;
      case "same":
        this.#life.pointers.serve(promoted.release, "promoted");
        return true;
      case "watch": {
        const refusal = await this.#windows.open(promoted);
        if (refusal === null) return true;
        const from = { facts: refusal.refused, run: promoted.run };
        await this.#wayBack.goBack(from, "release-refused", refusal.why);
        return true;
      }
      case "go-back": {
        if (!this.#wayBack.isOpenFrom(promoted.release)) return false;
        const from = { facts: promoted.release, run: promoted.run };
        const why = "a rollback was interrupted";
        return (await this.#wayBack.goBack(from, "health-window-failed", why)) !== "failed";
      }
    }
  }

  /** A blessed body that gave up is begun again now and then: where it cannot be gone back from, nobody else would. */
  #reviveBaseline(): void {
    const keeper = this.#life.running.baseline?.keeper;
    if (keeper?.state !== "gave-up" || !this.#revival.isOver) return;
    this.#revival.begin();
    keeper.resume();
  }

  async #decide(watched: WatchedRelease): Promise<void> {
    if (this.#isDeciding || this.#turns.isOver) return;
    if (!this.#wayBack.isOpenFrom(watched.facts)) return;
    this.#isDeciding = true;
    try {
      await this.#turns.take(async () => await this.#decideNow(watched));
    } finally {
      this.#isDeciding = false;
    }
  }

  async #decideNow(watched: WatchedRelease): Promise<void> {
    const { candidate, baseline } = this.#life.running;
    const { verdict } = watched;
    if (!verdict.final) return;
    const why = verdict.reasons.join(", ");
    if (candidate?.watched === watched) {
      if (verdict.verdict === "healthy") {
        await this.#blessing.bless(candidate);
      } else {
        await this.#windows.recordFailure(watched);
        await this.#wayBack.goBack(watched, "health-window-failed", why);
      }
    } else if (baseline === watched && candidate === null) {
      if (this.#wayBack.hasNone(watched.facts)) return;
      await this.#wayBack.goBack(watched, "degraded-after-blessing", why);
    }
  }
}
