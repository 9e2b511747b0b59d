import {
  blessBaseline,
  finishBlessing,
  mirrorBaseline,
  mirrorServing,
  pruneReleases,
  readBaseline,
  reconcilePointers,
  writeServing,
  type BaselinePointer,
  type PipelineWorld,
  type ServingPointer,
} from "@jarvis/tools/self-extension";
import { firstBaseline } from "./first-baseline.ts";
import type { ServedRelease } from "./watched-release.ts";

const KEPT = { blessed: 5, others: 10 };

/** The pointers to what serves and what is blessed. The files count; the database repeats them. */
export class ReleasePointers {
  readonly #world: PipelineWorld;
  readonly #onProblem: (error: unknown) => void;

  constructor(world: PipelineWorld, onProblem: (error: unknown) => void) {
    this.#world = world;
    this.#onProblem = onProblem;
  }

  /** Null where there is no baseline yet, or its file cannot be read. */
  get baseline(): BaselinePointer | null {
    const reading = readBaseline(this.#directory);
    return reading.known ? reading.value : null;
  }

  /** Commits of the releases that one can go back to from this one, the newest first. */
  wayBack(from: ServedRelease): string[] {
    const { baseline } = this;
    if (baseline === null) return [];
    const known = [baseline.current, ...baseline.earlier];
    const index = known.findIndex(({ releaseDigest }) => releaseDigest === from.releaseDigest);
    return known.slice(index + 1).map(({ sha }) => sha);
  }

  /**
   * What is blessed, at the start of a kernel: the first is made where there never was one, and what
   * a crash left between file and ledger is finished.
   */
  async open(): Promise<BaselinePointer> {
    const { db } = this.#world;
    const pointer = await this.#openBaseline();
    await finishBlessing(db, pointer);
    for (const report of await reconcilePointers(this.#directory, db)) {
      if (report.outcome !== "settled" || report.problem === null) continue;
      this.#onProblem(new Error(report.problem));
    }
    return pointer;
  }

  serve(release: ServedRelease, cause: ServingPointer["cause"]): void {
    const pointer: ServingPointer = {
      version: 1,
      releaseDigest: release.releaseDigest,
      sha: release.sha,
      treeSha: release.treeSha,
      runId: release.runId,
      cause,
      since: new Date().toISOString(),
    };
    writeServing(this.#directory, pointer);
    mirrorServing(this.#world.db, pointer).catch(this.#onProblem);
  }

  /** Lets the database repeat a baseline whose file has moved. */
  repeatBaseline(): void {
    const { baseline } = this;
    if (baseline !== null) mirrorBaseline(this.#world.db, baseline).catch(this.#onProblem);
  }

  /** Removes releases that nobody goes back to any more. */
  async tidy({ current, earlier }: BaselinePointer): Promise<void> {
    await pruneReleases(this.#directory, {
      blessed: [current, ...earlier].map(({ releaseDigest }) => releaseDigest),
      keepBlessed: KEPT.blessed,
      inUse: [current.releaseDigest],
      keepOthers: KEPT.others,
    });
  }

  get #directory(): string {
    return this.#world.directories.releases;
  }

  async #openBaseline(): Promise<BaselinePointer> {
    const reading = readBaseline(this.#directory);
    if (reading.known) return reading.value;
    // What a malformed pointer forgot cannot be made up.
    if (reading.problem === "malformed") {
      throw new Error(
        `${reading.detail} Remove it and start again: the base is built and blessed anew then.`,
      );
    }
    const blessed = await firstBaseline(this.#world);
    this.serve(blessed, "first");
    return await blessBaseline({ directory: this.#directory, db: this.#world.db }, blessed);
  }
}
