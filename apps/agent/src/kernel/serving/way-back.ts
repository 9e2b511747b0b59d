import type { RollbackCause } from "@jarvis/tools/self-extension";
import { CoolDownOf } from "../cool-down.ts";
import { finishReverts, goBack, type RollbackOutcome } from "./go-back.ts";
import { PASSING_PATIENCE_MS } from "./in-time.ts";
import type { WatchedRun } from "./lifecycle-writer.ts";
import type { ReleaseLifeState } from "./release-life-parts.ts";
import { RollbackRefused, type RollbackAnswer } from "./rollback-refused.ts";
import type { ServedRelease } from "./watched-release.ts";

/** Between attempts, of which none succeeds, at what is tried by itself. */
export const betweenAttempts = { firstMs: 60_000, longestMs: 3_600_000 };

/** The way back from what serves, and what is left to do of one that was gone. */
export class WayBack {
  readonly #life: ReleaseLifeState;
  readonly #isOver: () => boolean;
  /** Between ways back from one release that were begun by themselves and failed. */
  readonly #coolDown = new CoolDownOf(betweenAttempts);
  /** A release that degraded and has nothing older to go back to: said once. */
  #withoutTarget: string | null = null;
  /** A way back was gone, and the database did not take what follows it. */
  #isRevertLeft = false;

  /** `isOver` where the kernel stops, and every body with it. */
  constructor(life: ReleaseLifeState, isOver: () => boolean) {
    this.#life = life;
    this.#isOver = isOver;
  }

  /** Whether one from this release may be tried by itself: none of them has just failed. */
  isOpenFrom({ releaseDigest }: ServedRelease): boolean {
    return this.#coolDown.isOverFor(releaseDigest);
  }

  /** Known to have nothing older to go back to. */
  hasNone({ releaseDigest }: ServedRelease): boolean {
    return this.#withoutTarget === releaseDigest;
  }

  async goBack(
    from: { readonly facts: ServedRelease; readonly run: WatchedRun },
    cause: RollbackCause,
    reason: string,
  ): Promise<RollbackOutcome["kind"]> {
    const { parts, pointers, running } = this.#life;
    const { releaseDigest: fromReleaseDigest } = from.facts;
    // Signals go on while it is not gone back from: whatever does not succeed is not tried at each.
    if (cause !== "operator") this.#coolDown.begin(fromReleaseDigest);
    const outcome = await parts.asAction(
      { fromReleaseDigest, cause, reason },
      async () => await this.#go(from, { cause, reason }),
    );
    if (outcome.kind === "no-target") this.#withoutTarget = fromReleaseDigest;
    if (outcome.kind !== "rolled-back") return outcome.kind;
    this.#coolDown.reset();
    if (outcome.refusal !== null) parts.onProblem(outcome.refusal);
    const { candidate } = running;
    running.candidate = null;
    running.baseline = outcome.serving;
    this.#isRevertLeft ||= outcome.isRevertLeft;
    pointers.repeatBaseline();
    if (candidate !== null) await running.end(candidate.watched);
    if (outcome.left !== null) await running.end(outcome.left);
    await parts.onSettled();
    return outcome.kind;
  }

  /**
   * Goes back from what serves now, one blessed release at a time, as far as `to` where it is given.
   * Answers where it came from and where it is. Throws `RollbackRefused`.
   */
  async rollBack(order: { reason: string; to: string | null }): Promise<RollbackAnswer> {
    const { pointers, running } = this.#life;
    const first = running.serving;
    if (first === null) {
      throw new RollbackRefused(
        "nothing-serves",
        "No release runs, so there is none to go back from.",
      );
    }
    const from = first.facts;
    const goal = order.to;
    if (goal !== null && !pointers.wayBack(from).includes(goal)) {
      throw new RollbackRefused(
        "no-target",
        `No release blessed before ${from.sha} is ${goal}; \`jarvis status --json\` names those that are.`,
      );
    }
    for (let at = first; ;) {
      const outcome = await this.goBack(at, "operator", order.reason);
      const now = running.serving;
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
  }

  /** Proposes the revert that the database did not take, where one is left. */
  async finish(): Promise<void> {
    if (!this.#isRevertLeft) return;
    const { parts } = this.#life;
    await finishReverts(parts.world);
    this.#isRevertLeft = false;
    await parts.onSettled();
  }

  async #go(
    from: { readonly facts: ServedRelease; readonly run: WatchedRun },
    why: { cause: RollbackCause; reason: string },
  ): Promise<RollbackOutcome> {
    const { parts, writer, pointers, running } = this.#life;
    const { world } = parts;
    return await goBack(
      {
        world,
        writer,
        releases: world.directories.releases,
        running: running.baseline,
        isOver: this.#isOver,
        begin: async (blessed) => await running.beginBlessed(blessed, PASSING_PATIENCE_MS),
        end: async (body) => await running.end(body),
        point: (release) =>
          pointers.serve(release, why.cause === "operator" ? "operator" : "rolled-back"),
      },
      from,
      why,
    );
  }
}
