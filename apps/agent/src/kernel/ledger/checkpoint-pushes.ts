import { messageOf, type JarvisDatabase } from "@jarvis/db";
import {
  encodeVerifier,
  readGivenUp,
  readKeys,
  writeNewestPushed,
  type Anchor,
  type StoredCheckpoint,
} from "@jarvis/ledger";
import { readSafetyState } from "@jarvis/operator-core";
import {
  connectionProblem,
  getPromotionControlState,
  pushCheckpoint,
  type GitHubTarget,
} from "@jarvis/tools/self-extension";

interface PushedLedger {
  readonly db: JarvisDatabase;
  readonly stateDirectory: string;
}

/** Puts the newest checkpoint on the repository host, and keeps what the host was seen to hold. */
export class CheckpointPushes {
  readonly #ledger: PushedLedger;
  #newest: Anchor | null = null;
  #problem: string | null = null;

  constructor(ledger: PushedLedger) {
    this.#ledger = ledger;
  }

  /** What the host holds; null where that is not known. */
  get newest(): Anchor | null {
    return this.#newest;
  }

  /** Why the last push failed; null where it did not. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Nothing where promotion is not open. A failure is kept and is not thrown: the next time tries again. */
  async push(github: () => GitHubTarget, checkpoint: StoredCheckpoint): Promise<void> {
    if (this.#newest?.size === checkpoint.size) return;
    try {
      if (await this.#isOpen()) await this.#pushNow(github(), checkpoint);
      this.#problem = null;
    } catch (error) {
      this.#problem = connectionProblem(error) ?? messageOf(error);
    }
  }

  /** Who only observes, or is paused, changes nothing on the host; the state directory has it too. */
  async #isOpen(): Promise<boolean> {
    const { paused } = await getPromotionControlState(this.#ledger.db);
    return !paused && (await readSafetyState(this.#ledger.db)).mode === "execute";
  }

  async #pushNow(github: GitHubTarget, checkpoint: StoredCheckpoint): Promise<void> {
    const { db, stateDirectory } = this.#ledger;
    const keys = (await readKeys(db)).map(({ verifier }) => encodeVerifier(verifier));
    const isGivenUp = await readGivenUp({ db, stateDirectory });
    const { anchor } = await pushCheckpoint(github, checkpoint, keys, isGivenUp);
    // What could not be written down is not kept either: the next time writes it.
    if (anchor.where !== this.#newest?.where) writeNewestPushed(stateDirectory, anchor);
    this.#newest = anchor;
  }
}
