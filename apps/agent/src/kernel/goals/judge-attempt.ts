import type { RunResult } from "@jarvis/tools/self-extension";

/** What a proposed attempt's run means for its goal. */
export type AttemptVerdict =
  /** Nobody knows yet; `why` is what it waits for, for people. */
  | { readonly verdict: "waiting"; readonly why: string }
  | { readonly verdict: "reached" }
  /** Told to the next attempt. */
  | { readonly verdict: "refused" }
  /** The change ran and was taken back: a person lifts the hold, or thinks again. */
  | { readonly verdict: "rolled-back" };

/** Pure. A change that is watched is no success before it is blessed, where anything runs at all. */
export function judgeAttempt(
  result: Pick<RunResult, "status" | "blockReasons">,
  world: { readonly runsReleases: boolean },
): AttemptVerdict {
  switch (result.status) {
    case "blessed":
      return { verdict: "reached" };
    case "promoted":
      return world.runsReleases
        ? { verdict: "waiting", why: "its release is not watched yet" }
        : { verdict: "reached" };
    case "rolled-back":
    case "rollback-failed":
      return { verdict: "rolled-back" };
    case "blocked":
    case "failed":
      return { verdict: "refused" };
    case "parked":
      return { verdict: "waiting", why: `parked: ${result.blockReasons.join(", ")}` };
    case "new":
    case "attested":
    case "proposed":
    case "tested":
    case "watched":
    case "window-passed":
    case "window-failed":
    case "rolling-back":
    case "unreadable":
      return { verdict: "waiting", why: result.status };
  }
}
