import {
  judge,
  observe,
  openWindow,
  watchBlessed,
  type BaselineRecord,
  type HealthWindow,
  type HealthWindowConfig,
  type Verdict,
} from "@jarvis/tools/self-extension";
import type { WatchedRun } from "./lifecycle-writer.ts";
import { keepBody, type BodyKeeper, type KeepBodyOptions } from "../body/keeper.ts";
import { startProbing, type Probed } from "../body/probes.ts";
import { knownAnswers } from "../body/known-answers.ts";
import { healthSignal, now, type BodySignal } from "../body/signals.ts";

/** A release as the ledger and the pointers name it. */
export interface ServedRelease {
  readonly releaseDigest: string;
  readonly sha: string;
  readonly treeSha: string;
  /** The run that promoted it; null for one that no change of ours made. */
  readonly runId: string | null;
}

export interface WatchOptions {
  readonly facts: ServedRelease;
  /** What the ledger knew of it when it began: going back must not have to ask. */
  readonly run: WatchedRun;
  readonly body: Omit<KeepBodyOptions, "onSignal">;
  readonly purpose: "bless" | "watch";
  readonly config: HealthWindowConfig;
  readonly record: BaselineRecord;
  /** The body of the baseline, while it runs beside this one. */
  readonly baseline: () => WatchedRelease | null;
  /** After every signal that changed what there is to decide. Must not throw, and not wait. */
  readonly onVerdict: (verdict: Verdict) => void;
  /** A window that began anew, with its number within this watch. */
  readonly onRestart: (window: HealthWindow) => void;
}

/** Questions a second: a window of a few hundred exposures takes under a minute, and a core little. */
const PROBES_PER_SECOND = 20;
/** Nothing waits for what is blessed, and it is watched for as long as it runs. */
const BLESSED_PROBES_PER_SECOND = 5;
const PROBE_LIMIT_MS = 5_000;
/** So many variations of every known input, in each round. */
const VARIATIONS = 2;

/** A body that runs, is asked, and is judged by what comes back. */
export class WatchedRelease {
  readonly facts: ServedRelease;
  readonly run: WatchedRun;
  readonly keeper: BodyKeeper;
  readonly #options: WatchOptions;
  #window: HealthWindow;
  #probing: { stop(): Promise<void> } | null = null;
  #isBlessed: boolean;
  #isOver = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.facts = options.facts;
    this.run = options.run;
    this.#isBlessed = options.purpose === "watch";
    const { config, record } = options;
    const open = options.purpose === "bless" ? openWindow : watchBlessed;
    this.#window = open({ config, baseline: record, at: now() });
    this.keeper = keepBody({ ...options.body, onSignal: (signal) => this.#see(signal) });
  }

  get window(): HealthWindow {
    return this.#window;
  }

  get verdict(): Verdict {
    return judge(this.#window);
  }

  /** Begins to ask; the answers of the attested release are what it is held to. */
  async startProbing(changedTools: ReadonlySet<string>): Promise<void> {
    const baseline = this.#options.baseline();
    const known = await knownAnswers(
      this.keeper.release,
      baseline === null ? null : baseline.keeper.release,
    );
    if (this.#isOver) return;
    this.#probing = startProbing({
      known,
      variations: VARIATIONS,
      timeoutMs: PROBE_LIMIT_MS,
      changedTools,
      serving: this.keeper,
      baseline: () => this.#probedBaseline(),
      perSecond: () => (this.#isBlessed ? BLESSED_PROBES_PER_SECOND : PROBES_PER_SECOND),
      onSignal: (signal) => this.#see(signal),
    });
  }

  /** What was a candidate is watched from now on against its own record. */
  becomeBlessed(record: BaselineRecord): void {
    const { config } = this.#options;
    this.#isBlessed = true;
    this.#window = watchBlessed({ config, baseline: record, at: now() });
    this.#see({ at: now(), kind: "started", startedInMs: 0 });
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#probing?.stop();
    await this.keeper.stop();
  }

  #probedBaseline(): Probed | null {
    const baseline = this.#options.baseline();
    return baseline === null || baseline === this ? null : baseline.keeper;
  }

  #see(signal: BodySignal): void {
    if (this.#isOver) return;
    const before = this.#window;
    this.#window = observe(before, healthSignal(signal));
    if (this.#window.ordinal !== before.ordinal) this.#options.onRestart(this.#window);
    this.#options.onVerdict(judge(this.#window));
  }
}
