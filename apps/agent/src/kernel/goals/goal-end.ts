import type { GoalAttemptRow, GoalRow } from "@jarvis/db";
import type { AttemptOutcome } from "./attempt-outcomes.ts";

/** What ends a goal instead of one more attempt; null where it may have one. Pure. */
export function whyOver(
  goal: Pick<GoalRow, "maxAttempts">,
  attempts: readonly Pick<GoalAttemptRow, "outcome" | "number" | "report">[],
  otherwise: number,
): string | null {
  const limit = goal.maxAttempts ?? otherwise;
  // What the model's host or a stop cut off says nothing about the goal; a host that is away for
  // good still ends it, after as many tries again.
  const counted = attempts.filter(({ outcome }) => !isInterruption(outcome));
  const last = counted.at(-1);
  if (last?.outcome === "given-up" || last?.outcome === "budget" || last?.outcome === "filtered") {
    return `Attempt ${last.number} ended: ${reasonIn(last.report)}`;
  }
  const [one, two] = counted.slice(-2);
  if (one?.outcome === "no-progress" && two?.outcome === "no-progress") {
    return "Two attempts in a row brought nothing new.";
  }
  if (counted.length >= limit) return `All ${limit} attempts were used.`;
  if (attempts.length >= limit * 4) return `It was interrupted ${attempts.length} times.`;
  return null;
}

/** Of each attempt, so that all of them fit into what is kept. */
const TRIED_CHARACTERS = 300;
const LAST_ATTEMPTS = 10;

/** Why a goal is given up, and what was tried for it. The words may be a model's. Pure. */
export function withTried(
  why: string,
  attempts: readonly Pick<GoalAttemptRow, "outcome" | "number" | "report">[],
): string {
  const told = attempts.slice(-LAST_ATTEMPTS).map(({ number, outcome, report }) => {
    const reason = reasonIn(report).replaceAll(/\s+/g, " ").slice(0, TRIED_CHARACTERS);
    return `${number}. ${outcome ?? "open"}: ${reason}`;
  });
  return told.length === 0 ? why : `${why} What was tried: ${told.join(" ")}`;
}

/** An attempt, as far as it says what becomes of its goal. */
type LastAttempt = Pick<GoalAttemptRow, "outcome" | "number" | "report" | "endedAt" | "runId">;

/**
 * What the end of its last attempt makes of a goal; null where it may go on. Pure, from what is
 * recorded: a kernel that stops after the attempt was ended leaves this to the next one.
 */
export function afterAttempt(
  goal: Pick<GoalRow, "id" | "updatedAt">,
  last: LastAttempt | undefined,
): { readonly move: "reach" | "pause"; readonly reason: string } | null {
  if (last === undefined) return null;
  const { outcome, number, runId, report } = last;
  if (outcome === "accepted") {
    return { move: "reach", reason: `Attempt ${number} was accepted.` };
  }
  // Whoever has touched the goal since then has seen it.
  if ((last.endedAt ?? goal.updatedAt) <= goal.updatedAt) return null;
  if (outcome === "day-budget") {
    return { move: "pause", reason: `Attempt ${number} ended: ${reasonIn(report)}` };
  }
  if (outcome !== "rolled-back") return null;
  const lift = `jarvis hold lift ${runId ?? "RUN"} --reason TEXT`;
  const resume = `jarvis goal resume ${goal.id} --reason TEXT`;
  const reason = `Attempt ${number} was rolled back and is held; \`${lift}\` and \`${resume}\` let it be tried again.`;
  return { move: "pause", reason };
}

const interruptions: ReadonlySet<string> = new Set<AttemptOutcome>([
  "interrupted",
  "stopped",
  "model-unavailable",
  "day-budget",
]);

/** Whether an attempt was cut off by something that says nothing about it. */
export function isInterruption(outcome: string | null): boolean {
  return outcome !== null && interruptions.has(outcome);
}

function reasonIn(report: string | null): string {
  const { reason } = JSON.parse(report ?? "{}") as { reason?: unknown };
  if (typeof reason !== "string") return "nobody knows why";
  // Some of it may be a model's words: the database takes no NUL and no half of a character.
  return reason.replaceAll(/\0|\p{Surrogate}/gu, "").slice(0, 1_000);
}
