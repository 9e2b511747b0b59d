import type { BaseStanding } from "./attestation.ts";
import { blockReasonMeanings, type BlockReason } from "./block-reasons.ts";
import type { RoomFacts } from "./room.ts";
import type { StandingHold } from "./standing-holds.ts";

/** Everything that can keep Jarvis from going on by itself. */
export interface Standing {
  readonly kernel: "answers" | "silent" | "stopped";
  readonly room: RoomFacts;
  readonly sandbox: { readonly available: boolean; readonly message: string | null };
  readonly mode: "observe" | "execute";
  /** Whether the kill switch was pressed and no mode set since. */
  readonly killed: boolean;
  readonly paused: boolean;
  /** The base as it was fetched last; null where it never was. */
  readonly base: { readonly sha: string; readonly standing: BaseStanding } | null;
  /** Why no release serves although there is a body; null where one does, or none is meant to. */
  readonly servingProblem: string | null;
  readonly holds: readonly Pick<StandingHold, "id" | "kind" | "title">[];
  /** A rolled back change that the base still holds; its hold's id. */
  readonly unreverted: {
    readonly id: string;
    readonly title: string;
    /** What the run that takes it back waits for; null where that run has ended, or there is none. */
    readonly revert: StandingRun | null;
  } | null;
  readonly runs: readonly StandingRun[];
}

/** What the database alone says, for whoever is not the kernel that leads: the rest is its to say. */
export function standingOfSwitches(
  known: Pick<Standing, "kernel" | "mode" | "killed" | "paused">,
): Standing {
  return {
    ...known,
    room: { level: "enough", detail: "" },
    sandbox: { available: true, message: null },
    base: null,
    servingProblem: null,
    holds: [],
    unreverted: null,
    runs: [],
  };
}

/** A run that has not ended, as far as it waits for something. */
export interface StandingRun {
  readonly runId: string;
  readonly blockReasons: readonly BlockReason[];
  readonly pullRequestUrl: string | null;
}

/** What to do next: a closed word for programs, a sentence for people, and the one command. */
export interface WayOut {
  readonly state: WayOutState;
  readonly because: string;
  /** Null where no command of ours can do it, or where it passes by itself; then `because` says what. */
  readonly command: string | null;
}

export const wayOutStates = [
  "kernel-silent",
  "kernel-stopped",
  "disk-low",
  "sandbox-unavailable",
  "base-rewritten",
  "base-unverified",
  "not-serving",
  "killed",
  "observing",
  "promotion-paused",
  "revert-stuck",
  "base-held",
  "run-waits",
  "goal-held",
  "clear",
] as const;
export type WayOutState = (typeof wayOutStates)[number];

/**
 * The one thing that comes first, whatever the state: what it unblocks shows the next one. Pure. Its
 * test resolves each state that it names, one after another, until it ends at `clear`; that every
 * command can be typed is shown by the command line's.
 */
export function wayOut(standing: Standing): WayOut {
  for (const look of looks) {
    const found = look(standing);
    if (found !== null) return found;
  }
  return { state: "clear", because: "Nothing waits for anybody.", command: null };
}

type Look = (standing: Standing) => WayOut | null;

// In the order in which one stands in the way of the next.
const looks: readonly Look[] = [
  ({ kernel }) =>
    kernel !== "silent"
      ? null
      : {
          state: "kernel-silent",
          because: "The kernel holds the state and does not answer.",
          command: "jarvis kill --reason TEXT",
        },
  ({ kernel }) =>
    kernel !== "stopped"
      ? null
      : { state: "kernel-stopped", because: "No kernel runs.", command: "jarvis up" },
  ({ room }) =>
    room.level === "enough" ? null : { state: "disk-low", because: room.detail, command: null },
  ({ sandbox }) =>
    sandbox.available
      ? null
      : {
          state: "sandbox-unavailable",
          because: sandbox.message ?? "There is no sandbox on this machine.",
          command: "jarvis doctor",
        },
  ({ base }) => {
    if (base === null || base.standing === "attested") return null;
    const state = `base-${base.standing}` as const;
    return { state, because: blockReasonMeanings[state], command: `jarvis accept ${base.sha}` };
  },
  ({ servingProblem }) =>
    servingProblem === null
      ? null
      : { state: "not-serving", because: servingProblem, command: "jarvis doctor" },
  ({ killed }) =>
    killed
      ? {
          state: "killed",
          because:
            "The kill switch is in force: nothing is tested, promoted or run, and a new change is blocked, until a mode is set.",
          command: "jarvis mode observe --reason TEXT",
        }
      : null,
  ({ mode }) =>
    mode === "execute"
      ? null
      : {
          state: "observing",
          because:
            "Jarvis only observes: changes are tested, nothing is promoted and no body runs.",
          command: "jarvis mode execute --reason TEXT",
        },
  ({ paused }) =>
    paused
      ? { state: "promotion-paused", because: "Promotion is paused.", command: "jarvis resume" }
      : null,
  stuckRevert,
  ({ holds }) => {
    const base = holds.find(({ kind }) => kind === "base");
    if (base === undefined) return null;
    const because = `"${base.title}" was rolled back and is still the base; push a commit that mends it, or let it be.`;
    return { state: "base-held", because, command: lift(base.id) };
  },
  waitingRun,
  ({ holds }) => {
    const goal = holds.find(({ kind }) => kind === "goal");
    if (goal === undefined) return null;
    const because = `Two changes for the goal "${goal.title}" were rolled back.`;
    return { state: "goal-held", because, command: lift(goal.id) };
  },
];

/** A revert that neither lands nor waits for a switch keeps every other change from the base. */
function stuckRevert({ unreverted }: Standing): WayOut | null {
  if (unreverted === null) return null;
  const { id, title, revert } = unreverted;
  const command = lift(id);
  if (revert === null) {
    const because = `"${title}" was rolled back and is still on the base, and nothing takes it back any more; push a commit that does, or let it stay.`;
    return { state: "revert-stuck", because, command };
  }
  const reason = revert.blockReasons.find((each) => !isAccountedFor(each));
  if (reason === undefined) return null;
  const where = revert.pullRequestUrl === null ? "" : ` (${revert.pullRequestUrl})`;
  const because = `Taking "${title}" back waits${where}: ${blockReasonMeanings[reason]} It is tried again by itself; the command lets the change stay instead.`;
  return { state: "revert-stuck", because, command };
}

const actions = (): string => "jarvis actions";
const takeover = (): string => "jarvis takeover --reason TEXT";
const show = (runId: string): string => `jarvis show ${runId}`;

/** What lets a run with that reason go on. */
const commands: Partial<Record<BlockReason, (runId: string) => string>> = {
  "evaluator-changed": actions,
  "dependencies-changed": actions,
  "kernel-closure": actions,
  "protected-path": actions,
  "migration-irreversible": actions,
  "session-at-risk": () => "jarvis session list",
  "github-not-connected": () => "jarvis doctor",
  "ledger-mismatch": () => "jarvis ledger verify",
  "ledger-behind": () => "jarvis recover --accept-restore --reason TEXT",
  "repository-identity-changed": takeover,
  "repository-owned": takeover,
  "status-missing": show,
  "status-pending": show,
};

/** Reasons that pass by themselves, or that another look above has named by now. */
const passing: ReadonlySet<BlockReason> = new Set<BlockReason>([
  "promotion-paused",
  "observe-only",
  "kill-switch-active",
  "sandbox-unavailable",
  "disk-low",
  "database-unreachable",
  "base-unverified",
  "base-rewritten",
  "base-moved",
  "health-window-open",
  "rollback-required",
  "rate-budget-low",
  "landing-unresolved",
  "ledger-unsealed",
]);

function waitingRun({ runs }: Standing): WayOut | null {
  for (const { runId, blockReasons } of runs) {
    for (const reason of blockReasons) {
      const command = commands[reason];
      if (command === undefined) continue;
      const because = `Run ${runId} waits: ${blockReasonMeanings[reason]}`;
      return { state: "run-waits", because, command: command(runId) };
    }
  }
  return null;
}

/** Whether a parked run's reason is named by some look, or passes by itself: none may be forgotten. */
export function isAccountedFor(reason: BlockReason): boolean {
  return reason in commands || passing.has(reason);
}

function lift(id: string): string {
  return `jarvis hold lift ${id} --reason TEXT`;
}
