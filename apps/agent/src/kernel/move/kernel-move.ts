import { randomUUID } from "node:crypto";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { ActionExecutor, Principal } from "@jarvis/operator-core";
import { loadConfig, type BaselinePointer, type PipelineWorld } from "@jarvis/tools/self-extension";
import type { KernelConfig } from "../../config.ts";
import { CoolDownOf } from "../cool-down.ts";
import { fetchRelease } from "../serving/release-shelf.ts";
import { isFile, prepareKernel, pruneKernels } from "./kernel-directory.ts";
import {
  kernelsOf,
  readKernelPointer,
  writeKernelPointer,
  type KernelRelease,
} from "./kernel-pointer.ts";
import { DRAIN_MS, LEAVE_KERNEL_OUT, MOVE_KERNEL, type Leaving } from "./move-actions.ts";
import { StageGate } from "./stage-gate.ts";

/** After a move that the executor did not let happen, or a preparation that failed. */
const COOL_DOWN_MS = 60_000;

const requester: Principal = { kind: "system", name: "kernel" };

export interface KernelMoveParts {
  /** What the launcher said; null where none started this kernel, and nothing would start the next. */
  readonly launcher: KernelConfig["launcher"];
  /** The work tree of the guarded repository. */
  readonly repository: string;
  /** Where the releases lie. */
  readonly releases: string;
  /** Ends this process with the code by which the launcher starts the next kernel. */
  readonly onMove: () => void;
  readonly onProblem: (error: unknown) => void;
}

/** What it works with, once that is there. */
export interface KernelMoveWorld {
  readonly world: PipelineWorld;
  readonly executor: Pick<ActionExecutor, "perform">;
  /** Nothing moves in observe. */
  readonly mayExecute: () => Promise<boolean>;
}

/**
 * Lets the kernel follow the baseline: a blessed release of the repository that Jarvis was started
 * from is laid out as a program, named in the pointer that the launcher reads, and started in place
 * of this kernel when nothing is under way. A release that did not come up is passed over from then
 * on. Everywhere else the kernel never moves: the code of a repository that Jarvis only guards gets
 * none of its credentials.
 */
export class KernelMove {
  readonly gate = new StageGate();
  readonly #parts: KernelMoveParts;
  /** The release to move to; `undefined` while this kernel is the one that has to run. */
  #wanted: KernelRelease | null | undefined;
  /** The baseline that the pointer was last made for. */
  #followed: string | null = null;
  /** Between attempts to make it that failed, for want of room as an example. */
  readonly #preparing = new CoolDownOf({ firstMs: COOL_DOWN_MS, longestMs: 60 * COOL_DOWN_MS });
  #isMoving = false;
  #notBeforeMs = 0;

  /** The release that this kernel was started from; null for the program beside the launcher. */
  readonly #running: KernelRelease | null;

  constructor(parts: KernelMoveParts) {
    this.#parts = parts;
    const started = parts.launcher?.release ?? null;
    // Read now: a release that is blessed no more leaves the pointer while it still runs.
    this.#running = this.#kernels.find(({ directory }) => directory === started) ?? null;
  }

  get #kernels(): readonly KernelRelease[] {
    return readKernelPointer(this.#parts.releases);
  }

  /** While it is true this kernel begins nothing any more. */
  get isMoving(): boolean {
    return this.#isMoving;
  }

  /** What the pointer and the launcher say, for people. */
  describe() {
    const running = this.#running;
    return {
      release: running && { sha: running.sha, releaseDigest: running.releaseDigest },
      moving: this.#isMoving,
      leftOut: this.#kernels.flatMap((each) => {
        const why = this.#whyOut(each);
        return why === null ? [] : [{ sha: each.sha, why }];
      }),
    };
  }

  /** The work of the two actions. */
  readonly actions = {
    prepareMove: async (signal: AbortSignal): Promise<void> => {
      if (!this.#isMoving) throw new Error("no move is under way");
      await this.gate.drained(DRAIN_MS, signal);
    },
    leaveOut: ({ releaseDigest, why }: Leaving): void => {
      const { releases } = this.#parts;
      const at = new Date().toISOString();
      const marked = readKernelPointer(releases).map((each) =>
        each.releaseDigest === releaseDigest && each.leftOut === null
          ? { ...each, leftOut: { why, at } }
          : each,
      );
      writeKernelPointer(releases, marked);
    },
  };

  /** Puts on record which releases the launcher left out; the next start passes over them. */
  async recordLeftOut(executor: KernelMoveWorld["executor"]): Promise<void> {
    const { launcher, releases } = this.#parts;
    for (const each of readKernelPointer(releases)) {
      const why = launcher?.leftOut[each.directory];
      if (why === undefined || each.leftOut !== null) continue;
      const { releaseDigest, sha } = each;
      const left = { releaseDigest, sha, why: why.slice(0, 500) };
      const said = { actionName: LEAVE_KERNEL_OUT, parameters: left, reason: left.why };
      // What an observing Jarvis may not do is done all the same: the launcher has done it already.
      await executor.perform(request(said)).catch(() => undefined);
      if (readKernelPointer(releases).some((now) => now.sha === sha && now.leftOut === null)) {
        this.actions.leaveOut(left);
      }
    }
  }

  /**
   * Where the baseline is another: prepares it as a kernel and says so to the launcher. Then moves,
   * if that is due and Jarvis may execute; does not wait until it has.
   */
  async follow(pointer: BaselinePointer, move: KernelMoveWorld): Promise<void> {
    if (this.#isMoving || !(await this.#isAtHome())) return;
    const { releaseDigest } = pointer.current;
    if (releaseDigest === this.#followed || !this.#preparing.isOverFor(releaseDigest)) {
      return await this.#moveIfDue(move);
    }
    this.#preparing.begin(releaseDigest);
    const { launcher, releases } = this.#parts;
    // What waits for this blessing begins in the kernel that goes on.
    this.gate.close();
    try {
      const known = readKernelPointer(releases);
      const prepared = await this.#prepared(pointer, known, move.world);
      const kernels = kernelsOf(pointer, prepared);
      if (JSON.stringify(kernels) !== JSON.stringify(known)) writeKernelPointer(releases, kernels);
      const first = kernels.find((each) => this.#whyOut(each) === null) ?? null;
      this.#wanted = (first?.directory ?? null) === launcher?.release ? undefined : first;
      const kept = kernels.map(({ directory }) => directory);
      await pruneKernels(join(releases, "kernels"), [...kept, launcher?.release ?? ""]);
      this.#followed = releaseDigest;
    } finally {
      await this.#moveIfDue(move).finally(() => this.#isMoving || this.gate.open());
    }
  }

  async #moveIfDue(move: KernelMoveWorld): Promise<void> {
    if (this.#wanted === undefined || this.#isMoving || performance.now() < this.#notBeforeMs) {
      return;
    }
    if (!(await move.mayExecute())) return;
    this.#isMoving = true;
    this.gate.close();
    void this.#move(this.#wanted, move).catch(this.#parts.onProblem);
  }

  async #move(to: KernelRelease | null, { executor }: KernelMoveWorld): Promise<void> {
    const parameters = { releaseDigest: to?.releaseDigest ?? null, sha: to?.sha ?? null };
    const reason =
      to === null ? "no blessed release is a kernel" : "the baseline is another release";
    let isDone = false;
    try {
      const said = { actionName: MOVE_KERNEL, parameters, reason };
      const done = await executor.perform(request(said));
      isDone = done.outcome === "completed";
    } finally {
      if (isDone) this.#parts.onMove();
      else {
        this.#notBeforeMs = performance.now() + COOL_DOWN_MS;
        this.#isMoving = false;
        this.gate.open();
      }
    }
  }

  /** Everything that lies prepared, with the newest blessed release where it can be a kernel. */
  async #prepared(
    { current }: BaselinePointer,
    known: readonly KernelRelease[],
    world: PipelineWorld,
  ): Promise<readonly KernelRelease[]> {
    const { releaseDigest, sha, treeSha, window } = current;
    if (window === null || known.some((each) => each.releaseDigest === releaseDigest)) return known;
    const program = (await loadConfig(world.mirror, treeSha)).kernel?.program;
    if (program === undefined) return known;
    const fetched = await fetchRelease(world, current, { isBlessed: true });
    if (!fetched.ok) throw new Error(`The blessed release cannot be the kernel: ${fetched.detail}`);
    if (!isFile(join(fetched.release.directory, program))) return known;
    const kernels = join(this.#parts.releases, "kernels");
    const laid = await prepareKernel(kernels, fetched.release);
    return [{ ...laid, program, releaseDigest, sha, leftOut: null }, ...known];
  }

  #whyOut({ directory, leftOut }: KernelRelease): string | null {
    return leftOut?.why ?? this.#parts.launcher?.leftOut[directory] ?? null;
  }

  /** Whether the guarded repository is the one that the launcher's own program lies in. */
  async #isAtHome(): Promise<boolean> {
    const { launcher, repository } = this.#parts;
    if (launcher === null) return false;
    return (await realpath(launcher.home)) === (await realpath(repository));
  }
}

function request(said: { actionName: string; parameters: object; reason: string }) {
  // Each is decided by itself: going back soon after having moved must not add up to a risk.
  const sessionId = `${said.actionName}:${randomUUID()}`;
  return { ...said, parameters: { ...said.parameters }, requester, agentId: null, sessionId };
}
