import { statusOf } from "./host-problem.ts";
import type { Intent } from "./promotion-intents.ts";

/*
 * What this process knows of its own requests to land, and nobody else can: which are being sent, and
 * which had no answer.
 */

const underWay = new Set<string>();
const unanswered = new Set<string>();

/** The number of an intent is one of its database, and a process may work with several. */
function nameOf({ runId, id }: Pick<Intent, "runId" | "id">): string {
  return `${runId} ${id}`;
}

/**
 * Lets a request of this process through that may move the base, and sends it; keeps in mind whether
 * it was answered. It is under way from before it is let through: what comes between that and the
 * sending takes time, in which nobody may conclude that there is no request.
 */
export async function whileUnderWay<T>(
  intent: Intent,
  work: (send: (request: () => Promise<void>) => Promise<void>) => Promise<T>,
): Promise<T> {
  underWay.add(nameOf(intent));
  try {
    return await work(async (request) => {
      try {
        await request();
      } catch (error) {
        const status = statusOf(error);
        if (status === null || status >= 500) unanswered.add(nameOf(intent));
        throw error;
      }
    });
  } finally {
    underWay.delete(nameOf(intent));
  }
}

/** Whether a request of this process is being let through or sent right now. */
export function isUnderWay(intent: Intent): boolean {
  return underWay.has(nameOf(intent));
}

/** Whether all requests of this process for an intent were answered. */
export function isAnswered(intent: Intent): boolean {
  return !isUnderWay(intent) && !unanswered.has(nameOf(intent));
}

/** An intent that was let through for another process, whose request may be on its way. */
export function inheritUnanswered(intent: Pick<Intent, "runId" | "id" | "phase">): void {
  if (intent.phase === "landing") unanswered.add(nameOf(intent));
}

let last: Promise<unknown> = Promise.resolve();

/** One after another in this process: a fence is not tidied up while the same head is landing anew. */
export async function alone<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work);
  // Its error is for whoever asked; the next one waits for its end, however that is.
  last = mine.catch(() => undefined);
  return await mine;
}
