import type { Octokit } from "@octokit/rest";
import type { JarvisDatabase } from "@jarvis/db";
import type { ActionExecutor } from "@jarvis/operator-core";
import type { SandboxAvailability } from "@jarvis/sandbox";
import type { Mirror } from "./git/mirror.ts";
import type { LedgerSeal } from "./ledger-seal.ts";
import type { HolderState, IntentHolder } from "./promotion-holder.ts";
import type { PromotionOutcome } from "./promotion-outcome.ts";
import type { RoomFacts } from "./room.ts";
import type { PackageManagerRuntime } from "./verification/dependencies.ts";
import type { RunInSandbox } from "./verification/stage-world.ts";

/** The repository that changes are promoted to: GitHub or the forge, both through Octokit. */
export interface GitHubTarget {
  readonly octokit: Octokit;
  readonly owner: string;
  readonly repo: string;
  /** The branch that was the default one when the repository was connected. */
  readonly baseBranch: string;
  /** Where git fetches from. */
  readonly gitUrl: string;
  /** The `Authorization` header that git needs now. */
  readonly gitAuthorization: () => Promise<string | null>;
  /** Who writes there: a status of anybody else does not count. */
  readonly whoAmI: () => Promise<HostAccount>;
  /** What a GitHub App was granted, such as `contents write`; empty for a plain token. */
  readonly appPermissions: () => Promise<readonly string[]>;
}

/** An account on the host. The id stays when the login is changed. */
export interface HostAccount {
  readonly id: number;
  readonly login: string;
}

/** Everything the pipeline acts on. Made in one place, by the kernel or by a test. */
export interface PipelineWorld {
  readonly db: JarvisDatabase;
  readonly mirror: Mirror;
  readonly github: GitHubTarget;
  readonly ledger: LedgerSeal;
  /** The only way to promote, and to ask a person. */
  readonly actions: Pick<ActionExecutor, "propose" | "validate" | "execute" | "cancel">;
  /** Promotions under way, by the proposal that allows them: their step waits for their real end. */
  readonly flights: Map<number, { flight: Promise<PromotionOutcome> | null }>;
  /** Whether a process that announced a landing still runs: what it left open depends on it. */
  readonly holderState: (holder: IntentHolder) => HolderState;
  /** The title of a promoted change whose release is not judged yet; null where nothing runs. */
  readonly unblessed: () => Promise<string | null>;
  /** How much room there is now. Never rejects: what cannot be read is low. */
  readonly room: () => Promise<RoomFacts>;
  /**
   * Runs a stage of a workflow. One that may not begin waits, and for good where this kernel is about
   * to make room for the next: that one begins it.
   */
  readonly inStage: <T>(stage: () => Promise<T>) => Promise<T>;
  readonly run: RunInSandbox;
  readonly checkSandbox: () => Promise<SandboxAvailability>;
  readonly packageManager: PackageManagerRuntime;
  readonly directories: {
    /** Scratch of running verifications; emptied at start. */
    readonly work: string;
    /** Read-only dependency trees by key. */
    readonly dependencies: string;
    /** Output of attested trees, for incremental compilers to begin from. */
    readonly builds: string;
    /** Files of bases by blob, for workspaces to be made of; on the file system of `work`. */
    readonly files: string;
    /** Releases by digest, and the pointers to those that serve. */
    readonly releases: string;
    /** What passed on each base tree. */
    readonly inventory: string;
  };
  /** Aborted by the kill switch and at shutdown: every running sandbox ends. */
  readonly signal: () => AbortSignal;
  /** Progress for people; never part of a decision. */
  readonly progress: (runId: string, what: string) => void;
  /** An attempt of the run has come to its end. */
  readonly ended: (runId: string) => void;
}
