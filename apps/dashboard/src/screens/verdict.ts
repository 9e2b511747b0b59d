import type { Status } from "../api/queries.ts";
import type { Tone } from "../parts/badge.tsx";

/** What the sentence is about. */
export type Judged = Pick<
  Status,
  "safety" | "promotion" | "sandbox" | "database" | "body" | "openRuns" | "lastProblem" | "wayOut"
> & { readonly kernel: Pick<Status["kernel"], "role"> };

/** One sentence about how things are, and what somebody should look at; the worst decides. */
export function verdictOf(status: Judged): { tone: Tone; sentence: string; notes: string[] } {
  const notes: string[] = [];
  const { safety, promotion, sandbox, database, body, openRuns, lastProblem } = status;
  if (!sandbox.available) notes.push(`No sandbox, so no verdict: ${sandbox.message ?? ""}`);
  if (database.guard !== "enforced") {
    notes.push(`The database does not guard the ledger by itself: ${database.ledger}.`);
  }
  if (body?.problem != null) notes.push(`The body does not run: ${body.problem}`);
  if (promotion.problem !== null) notes.push(promotion.problem);
  if (lastProblem !== null) notes.push(`The kernel's last problem: ${lastProblem}`);
  if (status.kernel.role === "standby") {
    return { tone: "info", sentence: status.wayOut.because, notes };
  }
  const isBroken = notes.length > 0;
  const waiting = openRuns.filter(({ status: at }) => at === "parked").length;
  if (waiting > 0) {
    notes.push(
      waiting === 1 ? "One change waits for a switch or a person." : `${waiting} changes wait.`,
    );
  }
  if (body?.window?.verdict === "degraded") {
    return { tone: "bad", sentence: "What runs is worse than what ran before.", notes };
  }
  if (isBroken) return { tone: "bad", sentence: "Something needs you.", notes };
  if (safety.killSwitch) {
    const sentence =
      "The kill switch is in force: nothing is tested, landed or run until a mode is set.";
    return { tone: "bad", sentence, notes };
  }
  if (safety.mode === "observe") {
    return { tone: "warn", sentence: "Jarvis only observes: it tests and lands nothing.", notes };
  }
  if (promotion.paused) {
    return { tone: "warn", sentence: "Promotion is paused: nothing lands.", notes };
  }
  return {
    tone: waiting > 0 ? "info" : "good",
    sentence: openRuns.length > waiting ? "Jarvis is well and at work." : "Jarvis is well.",
    notes,
  };
}
