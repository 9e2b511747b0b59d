import { randomUUID } from "node:crypto";
import { actionProposals, type DatabaseHandle } from "@jarvis/db";
import {
  agentQuota,
  ActionExecutor,
  ActionRegistry,
  readSafetyState,
  SafetyController,
  SessionRiskTracker,
  type ActionDefinition,
  type ActionPolicy,
  type ExecutionOutcome,
  type KillAnswer,
  type Stopped,
} from "@jarvis/operator-core";
import { runningSandboxes, type ListedSandbox, type RunningSandboxes } from "@jarvis/sandbox";
import { and, eq, like } from "drizzle-orm";

/** What the kernel allows by name. Whatever no rule names is denied, unless it only reads. */
export const kernelPolicy: ActionPolicy = {
  rules: [
    {
      action: "promote_change",
      effects: ["promotion"],
      decision: "allow",
      reason: "a verified change lands through the promotion gate",
    },
    {
      action: "release_change",
      effects: ["promotion"],
      decision: "allow",
      reason: "the definition asks a person each time",
    },
    {
      action: "open_revert_pull_request",
      effects: ["promotion"],
      decision: "allow",
      reason: "a person is shown what they have to finish",
    },
    {
      action: "call_tool",
      effects: ["process"],
      decision: "allow",
      reason: "the body performs it in its own sandbox, which reaches nothing",
    },
    {
      action: "fetch_url",
      effects: ["network"],
      decision: "allow",
      reason: "an operator listed the hosts, and no private address is reached",
    },
    {
      action: "query_database",
      effects: ["network"],
      decision: "allow",
      reason: "an operator named the database and its login, and nothing is written",
    },
    {
      action: "author_change",
      effects: ["network"],
      decision: "allow",
      reason: "an operator set the goal and configured the model; budgets bound both",
    },
    {
      action: "roll_back",
      effects: ["promotion"],
      decision: "allow",
      reason: "going back always has to work",
    },
    {
      action: "move_kernel",
      effects: ["promotion"],
      decision: "allow",
      reason: "the kernel follows the baseline, and tells nobody else to",
    },
    {
      action: "leave_kernel_out",
      effects: ["promotion"],
      decision: "allow",
      reason: "the launcher has done it already",
    },
    {
      action: "lift_hold",
      effects: ["promotion"],
      decision: "allow",
      reason: "an operator asks for it",
    },
    {
      action: "take_over",
      effects: ["promotion"],
      decision: "allow",
      reason: "an operator asks for it",
    },
  ],
  protectedPaths: [],
};

/** How actions are executed, for whoever has one approved. */
export interface KernelActions {
  readonly executor: ActionExecutor;
  readonly registry: ActionRegistry;
  readonly safety: SafetyController;
  readonly sessions: SessionRiskTracker;
  /**
   * Executes what a person approved, with the token of the approval.
   * @throws ObserveOnlyError in observe; the proposal stays approved until its approval expires.
   */
  runApproved(proposalId: number, token: string): Promise<ExecutionOutcome>;
}

export interface ActionSystem extends KernelActions {
  /** Observe, then end actions and sandboxes. Answers what they were. */
  kill(change: { reason: string; actor: string }): Promise<KillAnswer>;
  /** Tidies up after dead executors and unused approvals, and looks for a kill that was not heard. */
  tidy(): Promise<void>;
  /** Hears nothing any more and stops what still runs. */
  stop(): Promise<void>;
}

/** What the body asks for as often as it likes. */
const agentActions: ReadonlySet<string> = new Set([
  "call_tool",
  "author_change",
  "fetch_url",
  "query_database",
]);

const EXECUTOR_PREFIX = "kernel-";

/**
 * Makes the one executor of this kernel and closes what earlier kernels left executing. A kill by
 * another process ends this one's sandboxes as well, within the time that a message takes.
 */
export async function startActions(
  database: DatabaseHandle,
  definitions: readonly ActionDefinition[],
  endSandboxes: (before?: RunningSandboxes) => Promise<readonly ListedSandbox[]>,
): Promise<ActionSystem> {
  const { db } = database;
  const registry = new ActionRegistry();
  for (const definition of definitions) registry.register(definition);
  const sessions = new SessionRiskTracker();
  // Whoever hears of observe may end a body before the kill switch comes to it: it counts all the same.
  let beforeKill: RunningSandboxes = new Map();
  const safety = new SafetyController(db, {
    onKill: [async () => (await endSandboxes(beforeKill)).map(stoppedSandbox)],
  });
  const executor = new ActionExecutor({
    db,
    registry,
    policy: kernelPolicy,
    safety,
    sessions,
    // The pipeline's own actions are bounded by the proposals that they are about.
    quotaOf: ({ actionName }) => (agentActions.has(actionName) ? agentQuota : null),
    executorId: `${EXECUTOR_PREFIX}${randomUUID()}`,
  });
  // Earlier kernels are dead, by the lock on the state directory; or, on a server that others share,
  // do not lead any more, by the lease, and change nothing.
  await executor.recover({ dead: await executorsLeft(database) });

  let ownKills = 0;
  const endAfterKill = async (): Promise<void> => {
    // A kill of our own ends the sandboxes itself and counts them.
    if (ownKills > 0) return;
    const state = await readSafetyState(db);
    if (state.trusted && state.killSwitch === true) await endSandboxes();
  };
  const forget = safety.onChange(() => void endAfterKill().catch(() => undefined));
  const watch = await safety.watch(database.sql);

  return {
    executor,
    registry,
    safety,
    sessions,
    async runApproved(proposalId, token) {
      return await executor.execute(proposalId, { approvalToken: token });
    },
    async kill(change) {
      ownKills += 1;
      beforeKill = runningSandboxes();
      try {
        return await safety.kill(change);
      } finally {
        ownKills -= 1;
      }
    },
    async tidy() {
      await executor.recover();
      await endAfterKill();
    },
    async stop() {
      forget();
      executor.close("the kernel is stopping");
      // The database may be what the kernel stops for.
      await watch.stop().catch(() => undefined);
    },
  };
}

/** A sandbox as the kill switch tells of it. */
function stoppedSandbox({ label, about }: ListedSandbox): Stopped {
  const runId = about["runId"] ?? null;
  if (label === "body") {
    const name = `the body of release ${about["release"] ?? "unknown"}`;
    return { kind: "body", name, id: null, runId, was: "running" };
  }
  return { kind: "sandbox", name: about["stage"] ?? label, id: null, runId, was: "running" };
}

async function executorsLeft({ db }: DatabaseHandle): Promise<string[]> {
  const rows = await db
    .selectDistinct({ executorId: actionProposals.executorId })
    .from(actionProposals)
    .where(
      and(
        eq(actionProposals.state, "executing"),
        like(actionProposals.executorId, `${EXECUTOR_PREFIX}%`),
      ),
    );
  return rows.flatMap(({ executorId }) => (executorId === null ? [] : [executorId]));
}
