import {
  blessingEvents,
  factsOf,
  finishBlessing,
  moveBaseline,
  recordBlessing,
  recordOf,
  type BlessedRelease,
} from "@jarvis/tools/self-extension";
import { numberOf } from "./health-windows.ts";
import type { ReleaseLifeState } from "./release-life-parts.ts";
import type { Candidate } from "./running-releases.ts";

/** Makes a release that its window showed healthy the baseline, and has the kernel follow it. */
export class Blessing {
  readonly #life: ReleaseLifeState;
  /** The pointer has moved, and the database did not take what it says. */
  #isLeft = false;

  constructor(life: ReleaseLifeState) {
    this.#life = life;
  }

  async bless({ watched, runId }: Candidate): Promise<void> {
    const { parts, events, pointers, running } = this.#life;
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
    const pointer = moveBaseline(parts.world.directories.releases, blessed);
    try {
      await recordBlessing(parts.world.db, pointer);
    } catch (error) {
      // The file counts and says it all; what the ledger misses is written by the next turn or start.
      parts.onProblem(error);
      this.#isLeft = true;
      for (const event of blessingEvents(pointer, undefined)) await events.record(event);
    }
    const before = running.baseline;
    running.baseline = watched;
    running.candidate = null;
    watched.becomeBlessed(record);
    if (before !== null) await running.end(before);
    await pointers.tidy(pointer);
    await this.moveKernel();
    await parts.onSettled();
  }

  /** Has the database say what the pointer says, where it does not yet. */
  async finish(): Promise<void> {
    const { parts, pointers } = this.#life;
    if (!this.#isLeft || pointers.baseline === null) return;
    await finishBlessing(parts.world.db, pointers.baseline);
    this.#isLeft = false;
  }

  async moveKernel(): Promise<void> {
    const { parts, pointers } = this.#life;
    if (pointers.baseline !== null) await parts.kernel.follow(pointers.baseline);
  }
}
