import { compareAndSetAgentState, readAgentState, type JarvisDatabase } from "@jarvis/db";
import { z } from "zod";
import { statusOf, type HostProblem } from "./host-problem.ts";
import type { GitHubTarget } from "./pipeline-world.ts";

const KEY = "self_extension:rate_budget";

/** What is known of the host's rate limit, kept so that a restart does not forget to wait. */
const budgetState = z.object({
  /** Requests that were left when it was read last; null where a refusal is all that is known. */
  remaining: z.number().nullable(),
  /** When the host counts anew, or lets us ask again. */
  resetAt: z.iso.datetime(),
  /** Nothing is asked of the host before this; null where nothing has to be waited for. */
  notBefore: z.iso.datetime().nullable(),
});
type BudgetState = z.infer<typeof budgetState>;

/**
 * What one promotion asks at most: measured are some 45 requests of a change of one file with landing
 * and cleaning up, on a repository that nobody owned yet (`fault-sweep.test.ts` holds the number), and
 * more for what is found out only by asking twice.
 */
const REQUESTS = 80;

export function requestsOf(change: { readonly changes: readonly unknown[] }): number {
  return REQUESTS + change.changes.length;
}

/** A limit is counted by the hour: a host that says more is asked again all the same. */
const WINDOW_MS = 3_600_000;

interface Place {
  readonly db: JarvisDatabase;
  readonly github: GitHubTarget;
}

/**
 * Whether the host lets so many requests through from here on; a promotion that would be stopped in
 * the middle is not begun. Asking costs nothing where there is a limit, and is not done while a
 * refusal said to wait. A host that knows no limit always has enough.
 */
export async function budgetProblem(
  { db, github }: Place,
  needed: number,
  now: Date = new Date(),
): Promise<HostProblem | null> {
  const waitUntil = await hostReadyAt(db);
  if (waitUntil !== null && waitUntil > now) return low("is used up", waitUntil);
  const budget = await readBudget(github);
  if (budget === null) return null;
  const { remaining, resetAt } = budget;
  const isEnough = remaining >= needed;
  await write(db, {
    remaining,
    resetAt: resetAt.toISOString(),
    notBefore: isEnough ? null : resetAt.toISOString(),
  });
  return isEnough ? null : low(`leaves ${remaining} requests, needed are ${needed}`, resetAt);
}

/** Keeps what a refusal said, so that also another run and another process wait. */
export async function noteHostWait(db: JarvisDatabase, problem: HostProblem): Promise<void> {
  if (problem.retryAt === null) return;
  const until = problem.retryAt.toISOString();
  await write(db, { remaining: null, resetAt: until, notBefore: until });
}

/** Before this the host need not be asked; null where it may be. What cannot be read is no wait. */
export async function hostReadyAt(db: JarvisDatabase): Promise<Date | null> {
  const parsed = budgetState.safeParse((await readAgentState(db, KEY))?.value);
  if (!parsed.success || parsed.data.notBefore === null) return null;
  return new Date(parsed.data.notBefore);
}

async function readBudget(
  github: GitHubTarget,
): Promise<{ remaining: number; resetAt: Date } | null> {
  try {
    const { data } = await github.octokit.rest.rateLimit.get();
    const { remaining, reset } = data.resources.core;
    return { remaining, resetAt: new Date(Math.min(reset * 1000, Date.now() + WINDOW_MS)) };
  } catch (error) {
    // An enterprise host without limits.
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

function low(what: string, until: Date): HostProblem {
  return {
    reason: "rate-budget-low",
    detail: `The repository host's rate limit ${what}; promotion goes on after ${until.toISOString()}.`,
    retryAt: until,
  };
}

async function write(db: JarvisDatabase, value: BudgetState): Promise<void> {
  const row = await readAgentState(db, KEY);
  // Who loses this race has read the same limit a moment earlier.
  await compareAndSetAgentState(db, KEY, { expectedVersion: row?.version ?? null, value });
}
