import { join } from "node:path";
import {
  blessingEvents,
  emptyRecord,
  factsOf,
  finishBlessing,
  lastSeenBase,
  moveBaseline,
  recordBlessing,
  recordOf,
  sweepReleases,
  type BaselinePointer,
  type BlessedRelease,
  type RollbackCause,
  type WindowCause,
} from "@jarvis/tools/self-extension";
import { CoolDown } from "../cool-down.ts";
import { eventWriter, type EventWriter } from "./event-writer.ts";
import { rebuilt } from "./first-baseline.ts";
import { PASSING_PATIENCE_MS } from "./in-time.ts";
import { LifecycleWriter, type WatchedRun } from "./lifecycle-writer.ts";
import { finishReverts, goBack, type RollbackOutcome, type RollbackWorld } from "./go-back.ts";
import {
  overtakenRelease,
  promotedRelease,
  titleOfUnjudged,
  type PromotedRelease,
} from "./promoted-release.ts";
import { ReleasePointers } from "./release-pointers.ts";
import { fetchRelease } from "./release-shelf.ts";
import { RunningReleases, type Candidate, type RunningReleasesParts } from "./running-releases.ts";
import { RollbackRefused, type RollbackAnswer } from "./rollback-refused.ts";
import { Turns } from "./turns.ts";
import type { ServedRelease, WatchedRelease } from "./watched-release.ts";

export interface ReleaseLifeParts extends RunningReleasesParts {
  readonly stateDir: string;
  /** Does a rollback as an action, and without one where none may be or can be recorded. */
  readonly asAction: (
    rollback: { fromReleaseDigest: string; cause: RollbackCause; reason: string },
    work: () => Promise<RollbackOutcome>,
  ) => Promise<RollbackOutcome>;
  readonly kernel: KernelFollower;
  /** Lets what waited for a verdict look again. */
  readonly onSettled: () => Promise<void>;
  readonly onProblem: (error: unknown) => void;
}

/** The kernel, which follows what is blessed. */
export interface KernelFollower {
  /** While it is true, this kernel begins nothing any more: the next one goes on. */
  isMoving(): boolean;
  /** Repeating it costs nothing. Must not throw. */
  follow(pointer: BaselinePointer): Promise<void>;
}

const betweenAttempts = { firstMs: 60_000, longestMs: 3_600_000 };

/**
 * What becomes of what runs: a promoted release is watched beside the blessed one until its health
 * window has decided, then blessed or rolled back. Everything here happens one after another, in
 * turns; what a crash interrupts is read from pointers and ledger and finished by the next turn.
 */
export class ReleaseLife {
  readonly #parts: ReleaseLifeParts;
  readonly #events: EventWriter;
  readonly #writer: LifecycleWriter;
  readonly #pointers: ReleasePointers;
  readonly #running: RunningReleases;
  readonly #turns = new Turns();
  /** Between ways back that failed. */
  readonly #coolDown = new CoolDown(betweenAttempts);
  /** Between the beginnings of a baseline that gave up. */
  readonly #revival = new CoolDown(betweenAttempts);
  #isDeciding = false;
  /** The commit of the base for which everything was done that has to be. */
  #attended: string | null = null;
  /** A release that degraded and has nothing older to go back to: said once. */
  #withoutTarget: string | null = null;
  /** A way back was gone, and the database did not take what follows it. */
  #isRevertLeft = false;
  #isBlessingLeft = false;

  constructor(parts: ReleaseLifeParts) {
    this.#parts = parts;
    const journal = join(parts.stateDir, "journal.ndjson");
    this.#events = eventWriter(parts.world.db, journal, parts.onProblem);
    this.#writer = new LifecycleWriter(this.#events);
    this.#pointers = new ReleasePointers(parts.world, parts.onProblem);
    this.#running = new RunningReleases(parts, {
      onFinal: (watched) => void this.#decide(watched).catch(parts.onProblem),
      onRestart: (cause) =>
        void this.#turns.take(async () => await this.#sayWindow(cause)).catch(parts.onProblem),
    });
  }

  /** The body that serves: the candidate while it is watched, else the blessed one. */
  get serving(): WatchedRelease | null {
    return this.#running.serving;
  }

  get candidate(): Candidate | null {
    return this.#running.candidate;
  }

  /** Reads where things stand and goes on from there. The first start makes the first baseline. */
  async start(): Promise<void> {
    await this.#turns.take(async () => {
      await sweepReleases(this.#parts.world.directories.releases);
      await this.#events.replay();
      const pointer = await this.#pointers.open();
      await finishReverts(this.#parts.world);
      this.#running.baseline = await this.#running.beginBlessed(pointer.current);
      await this.#moveKernel();
    });
  }

  /** Looks for a release that was promoted and does not run yet, or for a way back to finish. */
  async tend(): Promise<void> {
    const { world, onSettled } = this.#parts;
    // Read before the turn: a database that does not answer must not keep an order to go back waiting.
    const sha = await lastSeenBase(world.db);
    const { baseline } = this.#pointers;
    if (this.#isBlessingLeft && baseline !== null) {
      await finishBlessing(world.db, baseline);
      this.#isBlessingLeft = false;
    }
    if (this.#isRevertLeft) {
      await finishReverts(world);
      this.#isRevertLeft = false;
      await onSettled();
    }
    await this.#turns.take(async () => {
      this.#reviveBaseline();
      if (this.#running.candidate !== null || this.#running.baseline === null) return;
      await this.#moveKernel();
      // A window that is opened now would only begin anew in the next kernel.
      if (this.#parts.kernel.isMoving()) return;
      if (sha === null || sha === this.#attended) return;
      const blessed = this.#running.baseline.facts.sha;
      const overtaken = await overtakenRelease(world, { base: sha, blessed });
      if (await this.#attend(overtaken ?? (await promotedRelease(world, sha)))) {
        this.#attended = overtaken === null ? sha : null;
      }
    });
  }

  /** Does what has to become of a release now; false where that has to be tried again. */
  async #attend(promoted: PromotedRelease | null): Promise<boolean> {
    switch (promoted?.step) {
      case undefined:
        return true;
      case "same":
        this.#pointers.serve(promoted.release, "promoted");
        return true;
      case "watch":
        await this.#watch(promoted);
        return true;
      case "go-back": {
        if (!this.#coolDown.isOver) return false;
        const from = { facts: promoted.release, run: promoted.run };
        const why = "a rollback was interrupted";
        return (await this.#goBack(from, "health-window-failed", why)) !== "failed";
      }
    }
  }

  /** A blessed body that gave up is begun again now and then: where it cannot be gone back from, nobody else would. */
  #reviveBaseline(): void {
    const keeper = this.#running.baseline?.keeper;
    if (keeper?.state !== "gave-up" || !this.#revival.isOver) return;
    this.#revival.begin();
    keeper.resume();
  }

  /** The title of a promoted change that is not judged yet, whether or not its body runs already. */
  async unblessed(): Promise<string | null> {
    const { world } = this.#parts;
    const sha = await lastSeenBase(world.db);
    const blessed = this.#pointers.baseline?.current;
    // Before the first release is built there is nothing that a promotion could go back to.
    if (blessed === undefined) return "the release that Jarvis starts with";
    if (sha === null || sha === blessed.sha) return null;
    return await titleOfUnjudged(world, sha, blessed.releaseDigest);
  }

  /**
   * Goes back from what serves now, one blessed release at a time, as far as `to` where it is given.
   * Answers where it came from and where it is. Throws `RollbackRefused`.
   */
  async rollBack(order: { reason: string; to: string | null }): Promise<RollbackAnswer> {
    return await this.#turns.take(async () => {
      const first = this.serving;
      if (first === null) {
        throw new RollbackRefused(
          "nothing-serves",
          "No release runs, so there is none to go back from.",
        );
      }
      const from = first.facts;
      const goal = order.to;
      if (goal !== null && !this.#pointers.wayBack(from).includes(goal)) {
        throw new RollbackRefused(
          "no-target",
          `No release blessed before ${from.sha} is ${goal}; \`jarvis status --json\` names those that are.`,
        );
      }
      for (let at = first; ;) {
        const outcome = await this.#goBack(at, "operator", order.reason);
        const now = this.serving;
        if (outcome !== "rolled-back" || now === null) {
          throw new RollbackRefused(
            outcome,
            `Jarvis serves ${at.facts.sha}, and no release blessed before it comes up.`,
          );
        }
        const { sha } = now.facts;
        if (goal === null || sha === goal) return { fromSha: from.sha, toSha: sha };
        at = now;
      }
    });
  }

  /** Commits of the releases that one can go back to, the newest first. */
  get earlier(): readonly string[] {
    const from = this.serving?.facts;
    return from === undefined ? [] : this.#pointers.wayBack(from);
  }

  /** The switches may have moved: bodies run while Jarvis may execute, and else are suspended. */
  async followSwitches(): Promise<void> {
    await this.#running.followSwitches();
  }

  async stop(): Promise<void> {
    this.#turns.close();
    await this.#running.stop();
    await this.#turns.ended();
  }

  async #watch({ release: named, run, changedTools }: PromotedRelease): Promise<void> {
    const { world } = this.#parts;
    let release = named;
    let fetched = await fetchRelease(world, release, { isBlessed: false });
    if (!fetched.ok && fetched.code === "node-differs") {
      release = await rebuilt(world, named);
      fetched = await fetchRelease(world, release, { isBlessed: false });
    }
    if (!fetched.ok) {
      await this.#goBack({ facts: release, run }, "release-refused", fetched.detail);
      return;
    }
    const cause: WindowCause =
      run.windows > 0 ? "kernel-restarted" : release.runId === null ? "accepted" : "promoted";
    this.#pointers.serve(release, "promoted");
    const watched = await this.#running.begin({
      facts: release,
      run,
      release: fetched.release,
      purpose: "bless",
      record: this.#pointers.baseline?.current.record ?? emptyRecord,
      changedTools,
    });
    this.#running.candidate = { watched, runId: run.context.runId };
    await this.#sayWindow(cause);
  }

  async #sayWindow(cause: WindowCause): Promise<void> {
    const candidate = this.#running.candidate;
    if (candidate === null) return;
    const { window, facts, run } = candidate.watched;
    await this.#writer.windowStarted(run.context, {
      number: numberOf(candidate.watched),
      cause,
      release: facts,
      baselineReleaseDigest: this.#running.baseline?.facts.releaseDigest ?? null,
      window,
    });
  }

  async #decide(watched: WatchedRelease): Promise<void> {
    if (this.#isDeciding || this.#turns.isOver || !this.#coolDown.isOver) return;
    this.#isDeciding = true;
    try {
      await this.#turns.take(async () => {
        const { verdict } = watched;
        if (!verdict.final) return;
        if (this.#running.candidate?.watched === watched) {
          if (verdict.verdict === "healthy") await this.#bless(this.#running.candidate);
          else await this.#fail(this.#running.candidate);
        } else if (this.#running.baseline === watched && this.#running.candidate === null) {
          if (this.#withoutTarget === watched.facts.releaseDigest) return;
          await this.#goBack(watched, "degraded-after-blessing", verdict.reasons.join(", "));
        }
      });
    } finally {
      this.#isDeciding = false;
    }
  }

  async #bless({ watched, runId }: Candidate): Promise<void> {
    const { window, facts } = watched;
    const record = recordOf(window);
    const blessed: BlessedRelease = {
      releaseDigest: facts.releaseDigest,
      sha: facts.sha,
      treeSha: facts.treeSha,
      runId,
      window: { number: numberOf(watched), facts: factsOf(window) },
      record,
      blessedAt: new Date().toISOString(),
    };
    const pointer = moveBaseline(this.#parts.world.directories.releases, blessed);
    try {
      await recordBlessing(this.#parts.world.db, pointer);
    } catch (error) {
      // The file counts and says it all; what the ledger misses is written by the next turn or start.
      this.#parts.onProblem(error);
      this.#isBlessingLeft = true;
      for (const event of blessingEvents(pointer, undefined)) await this.#events.record(event);
    }
    const before = this.#running.baseline;
    this.#running.baseline = watched;
    this.#running.candidate = null;
    watched.becomeBlessed(record);
    if (before !== null) await this.#running.end(before);
    await this.#pointers.tidy(pointer);
    await this.#moveKernel();
    await this.#parts.onSettled();
  }

  async #fail({ watched }: Candidate): Promise<void> {
    const { window, facts, verdict, run } = watched;
    const number = numberOf(watched);
    await this.#writer.windowFailed(run.context, { number, release: facts, window, verdict });
    await this.#goBack(watched, "health-window-failed", verdict.reasons.join(", "));
  }

  async #goBack(
    from: { readonly facts: ServedRelease; readonly run: WatchedRun },
    cause: RollbackCause,
    reason: string,
  ): Promise<RollbackOutcome["kind"]> {
    const world: RollbackWorld = {
      world: this.#parts.world,
      writer: this.#writer,
      releases: this.#parts.world.directories.releases,
      running: this.#running.baseline,
      isOver: () => this.#turns.isOver,
      begin: async (blessed) => await this.#running.beginBlessed(blessed, PASSING_PATIENCE_MS),
      end: async (body) => await this.#running.end(body),
      point: (release) =>
        this.#pointers.serve(release, cause === "operator" ? "operator" : "rolled-back"),
    };
    const { releaseDigest: fromReleaseDigest } = from.facts;
    // Signals go on while it is not gone back from: whatever does not succeed is not tried at each.
    this.#coolDown.begin();
    const outcome = await this.#parts.asAction(
      { fromReleaseDigest, cause, reason },
      async () => await goBack(world, from, { cause, reason }),
    );
    if (outcome.kind === "no-target") this.#withoutTarget = fromReleaseDigest;
    if (outcome.kind !== "rolled-back") return outcome.kind;
    this.#coolDown.reset();
    if (outcome.refusal !== null) this.#parts.onProblem(outcome.refusal);
    const candidate = this.#running.candidate;
    this.#running.candidate = null;
    this.#running.baseline = outcome.serving;
    this.#isRevertLeft ||= outcome.isRevertLeft;
    this.#pointers.repeatBaseline();
    if (candidate !== null) await this.#running.end(candidate.watched);
    if (outcome.left !== null) await this.#running.end(outcome.left);
    await this.#parts.onSettled();
    return outcome.kind;
  }

  async #moveKernel(): Promise<void> {
    const { baseline } = this.#pointers;
    if (baseline !== null) await this.#parts.kernel.follow(baseline);
  }
}

/** Windows are numbered through the life of a run, whoever watched it. */
function numberOf({ run, window }: WatchedRelease): number {
  return run.windows + window.ordinal;
}
