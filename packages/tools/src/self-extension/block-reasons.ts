/**
 * Every word that can stand in `blockReasons`, and what it means to the person who reads it. The set
 * is closed and part of the contract: scripts branch on these words.
 */
export const blockReasonMeanings = {
  // Switches: the run is parked and goes on by itself when the switch is turned.
  "promotion-paused": "An operator has paused promotion; `jarvis resume` lets it continue.",
  "observe-only": "Jarvis only observes; `jarvis mode execute --reason TEXT` lets it promote.",
  "kill-switch-active":
    "The kill switch ended this run, or was in force when it began; set a mode with `jarvis mode execute --reason TEXT`, then hand the change in again.",
  "github-not-connected": "GitHub or the forge could not be reached or refused the credentials.",
  "repository-identity-changed":
    "The repository was renamed or replaced, or has another default branch; `jarvis takeover --reason TEXT` accepts it.",
  "repository-owned":
    "Another instance of Jarvis, with another database, promotes there; `jarvis takeover --reason TEXT` takes it over.",
  "rate-budget-low":
    "The host's rate limit does not leave enough for a whole promotion; it goes on after the reset.",
  "sandbox-unavailable":
    "There is no sandbox on this machine, so there is no verdict; see `jarvis doctor`.",
  "disk-low":
    "There is too little room on disk to begin anything; it goes on when there is room (`jarvis status`).",
  "database-unreachable":
    "The database did not answer in the middle of it; the run is tried again by itself.",
  "status-missing": "A required status has not been reported on the commit.",
  "status-pending": "A required status is still pending on the commit.",
  "ledger-mismatch":
    "The ledger is not what was sealed; promotion is paused until a person has looked (`jarvis ledger verify`).",
  "ledger-behind":
    "The ledger ends before a checkpoint that was seen; `jarvis recover --accept-restore --reason TEXT` goes on from what was restored.",
  "ledger-unsealed":
    "What was recorded about this run is not sealed yet, or nothing may be until the host was asked what it has seen.",
  "base-unverified":
    "The base holds a commit that has not passed verification and that nobody accepted; `jarvis accept SHA`.",
  // Who may act: the promotion is an action like any other.
  "session-at-risk":
    "Too many promotions of one origin in a short time; the next waits for five minutes or for a person.",
  "action-denied": "The policy does not let this change be promoted.",
  // What the change touches: the run is parked until a person approves or rejects it.
  "evaluator-changed": "The change touches tests, gates or their configuration.",
  "dependencies-changed":
    "The change touches manifests, lockfiles or package-manager configuration.",
  "kernel-closure": "The change touches or enlarges the code that runs with Jarvis's credentials.",
  "protected-path": "The change touches a path that only a person may change.",
  "migration-irreversible":
    "The base does not run on the data that the change migrates, so there would be no way back.",
  // What verification said.
  "isolated-verification-failed": "A verification stage failed in the sandbox.",
  "verdict-not-trusted":
    "The test run could not be believed: a base test did not run or the control test did not fail.",
  "status-failing": "A required status says no on the commit.",
  // What git and GitHub said.
  "base-moved": "The base moved faster than the change could be verified again.",
  "base-rewritten":
    "The base no longer descends from the commit last seen; promotion is paused until a person runs `jarvis accept SHA` and `jarvis resume`.",
  "base-not-strict":
    "The base must be merged through the merge endpoint, and its protection does not demand up-to-date branches.",
  "landing-unresolved":
    "Whether an earlier landing took effect is not known yet; it is read back, and promotion goes on then.",
  "landing-refused": "The repository host refused the landing; its words are in `mergeError`.",
  "branch-occupied": "A branch of this run's name exists with another commit.",
  "tree-mismatch": "What GitHub holds is not what was verified.",
  // What runs, and what was rolled back.
  "health-window-open":
    "The change promoted before is still watched; promotion goes on when its health window has decided.",
  "rollback-required":
    "The base still holds a change that was rolled back; promotion goes on when it is reverted.",
  "held-after-rollback":
    "The same tree, patch or goal was rolled back; `jarvis hold lift RUN --reason TEXT` lets it be tried again.",
  "goal-paused":
    "Two changes for this goal were rolled back; `jarvis hold lift ID --reason TEXT` with the id of the goal's hold lets it go on.",
  "revert-conflict":
    "A later change touched what is to be reverted; a person finishes the pull request that Jarvis opened.",
  "revert-failed": "Something broke while a change was taken back; it is tried again.",
  "hold-lifted":
    "An operator lets the change stay that was to be reverted, so it is not taken back any more.",
  // Why a proposal was refused.
  "does-not-apply": "The patch does not apply to the base.",
  "empty-change": "The patch changes nothing.",
  "path-traversal": "The patch names a path outside of the repository.",
  "absolute-path": "The patch names an absolute path.",
  "git-directory": "The patch names a path inside a `.git` directory.",
  symlink: "The patch adds or changes a symbolic link.",
  submodule: "The patch adds or changes a submodule.",
  "file-mode": "The patch asks for a file mode other than 100644 or 100755.",
  "git-hook": "The patch adds a file where git looks for hooks.",
  "attribute-filter":
    "The patch sets git attributes that name a filter, a diff driver or an encoding.",
  "control-characters": "The patch holds NUL, control or bidirectional control characters.",
  "binary-change": "The patch holds binary content.",
  "patch-too-large": "The patch, or what it makes of the tree, is larger than the limit.",
} as const;

export type BlockReason = keyof typeof blockReasonMeanings;

export const blockReasons = Object.keys(blockReasonMeanings) as [BlockReason, ...BlockReason[]];

/** What only a person lets pass, for one tree at a time. */
export const personReasons = [
  "evaluator-changed",
  "dependencies-changed",
  "kernel-closure",
  "protected-path",
  "migration-irreversible",
] as const satisfies readonly BlockReason[];
export type PersonReason = (typeof personReasons)[number];

/** What is wrong with the repository host, and not with the change: all promotions wait for it. */
const hostReasons: ReadonlySet<BlockReason> = new Set<BlockReason>([
  "github-not-connected",
  "repository-identity-changed",
  "repository-owned",
  "rate-budget-low",
]);

export function isHostReason(reason: BlockReason): boolean {
  return hostReasons.has(reason);
}

/** Reasons that pass by themselves, by a switch or by a person: the run waits for a new attempt. */
const parkingReasons: ReadonlySet<BlockReason> = new Set<BlockReason>([
  ...personReasons,
  "session-at-risk",
  "promotion-paused",
  "observe-only",
  "github-not-connected",
  "repository-identity-changed",
  "repository-owned",
  "rate-budget-low",
  "sandbox-unavailable",
  "disk-low",
  "database-unreachable",
  "status-missing",
  "status-pending",
  "ledger-mismatch",
  "ledger-behind",
  "ledger-unsealed",
  "base-unverified",
  "base-rewritten",
  "landing-unresolved",
  "health-window-open",
  "rollback-required",
]);

/** Reasons that pass in a while without anybody doing anything. */
const passingReasons: ReadonlySet<BlockReason> = new Set<BlockReason>([
  "database-unreachable",
  "health-window-open",
  "ledger-unsealed",
  "status-pending",
]);

/** True where whoever waits for a parked run only has to wait a little longer. */
export function passesByItself(reasons: readonly BlockReason[]): boolean {
  return reasons.length > 0 && reasons.every((reason) => passingReasons.has(reason));
}

/** True when a person has to decide, whatever else holds the run up. */
export function needsPerson(reasons: readonly BlockReason[]): boolean {
  return reasons.some((reason) => personReasons.some((word) => word === reason));
}

/** What ends a revert: there is nothing to take back any more, or the host holds what it must not. */
const endsRevert: ReadonlySet<BlockReason> = new Set<BlockReason>([
  "empty-change",
  "hold-lifted",
  "tree-mismatch",
]);

/**
 * True when every reason is one that can pass without a new proposal. A revert is tried again until
 * the base holds nothing of the change: nobody would propose it again.
 */
export function isParking(
  reasons: readonly BlockReason[],
  { isRevert = false }: { isRevert?: boolean } = {},
): boolean {
  const mayPass = (reason: BlockReason): boolean =>
    isRevert ? !endsRevert.has(reason) : parkingReasons.has(reason);
  return reasons.length > 0 && reasons.every(mayPass);
}
