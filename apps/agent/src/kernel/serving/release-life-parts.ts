import type { BaselinePointer, RollbackCause } from "@jarvis/tools/self-extension";
import type { EventWriter } from "./event-writer.ts";
import type { RollbackOutcome } from "./go-back.ts";
import type { LifecycleWriter } from "./lifecycle-writer.ts";
import type { ReleasePointers } from "./release-pointers.ts";
import type { RunningReleases, RunningReleasesParts } from "./running-releases.ts";

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

/** What the steps in the life of a release share; each is taken within a turn. */
export interface ReleaseLifeState {
  readonly parts: ReleaseLifeParts;
  readonly events: EventWriter;
  readonly writer: LifecycleWriter;
  readonly pointers: ReleasePointers;
  readonly running: RunningReleases;
}
