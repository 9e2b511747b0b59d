import type { JarvisDatabase } from "@jarvis/db";
import { createTestDatabase } from "@jarvis/db/testing";
import type { TestDatabase } from "@jarvis/db/testing";
import { z } from "zod";
import { defineAction } from "../actions/action-definition.ts";
import type { ActionContext, ActionDefinition } from "../actions/action-definition.ts";
import { ActionExecutor } from "../actions/action-executor.ts";
import type { ActionExecutorWorld } from "../actions/action-executor.ts";
import type { ActionRequest } from "../actions/propose-action.ts";
import type { ActionPolicy } from "../actions/action-policy.ts";
import type { ActionProposal } from "../actions/action-proposal.ts";
import { ActionRegistry } from "../actions/action-registry.ts";
import { ActionAuditor } from "../actions/auditor.ts";
import type { Principal } from "../actions/audit-event.ts";
import { SessionRiskTracker } from "../actions/session-risk.ts";
import { SafetyController } from "../safety-controller.ts";

export const agent: Principal = { kind: "agent", name: "jarvis" };
export const ada: Principal = { kind: "user", name: "ada" };
export const operator = { reason: "supervised run", actor: "ada" };

export const allowAll: ActionPolicy = {
  rules: [{ action: "*", decision: "allow", reason: "a test" }],
  protectedPaths: [],
};

/** An action of any kind; a test names only what it is about. */
export function anAction(
  overrides: Partial<Omit<ActionDefinition, "run">> & {
    run?: (parameters: unknown, context: ActionContext) => Promise<unknown>;
  } = {},
): ActionDefinition {
  const { run = async () => "done", ...rest } = overrides;
  return defineAction<unknown, unknown>({
    name: "write-note",
    description: "writes a note",
    parameters: z.object({ text: z.string() }),
    effect: "write-workspace",
    risk: "low",
    needsApproval: false,
    idempotent: false,
    timeoutMs: 10_000,
    ...rest,
    run,
  });
}

export function aRequest(overrides: Partial<ActionRequest> = {}): ActionRequest {
  return {
    actionName: "write-note",
    parameters: { text: "a note" },
    reason: "a test",
    requester: agent,
    agentId: "agent-1",
    sessionId: "session-1",
    ...overrides,
  };
}

/** Ends only by its signal. */
export async function untilStopped({ signal }: Pick<ActionContext, "signal">): Promise<never> {
  return await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
  });
}

export type ActionWorld = {
  database: TestDatabase;
  db: JarvisDatabase;
  registry: ActionRegistry;
  safety: SafetyController;
  executor: ActionExecutor;
  auditor: ActionAuditor;
  close(): Promise<void>;
};

/** A database in which actions may be executed, and one executor over it. */
export async function actionWorld(
  actions: readonly ActionDefinition[],
  overrides: Partial<ActionExecutorWorld> = {},
): Promise<ActionWorld> {
  const database = await createTestDatabase();
  const { db } = database;
  const registry = new ActionRegistry();
  for (const action of actions) registry.register(action);
  const safety = new SafetyController(db);
  await safety.setMode("execute", operator);
  const executor = new ActionExecutor({
    db,
    registry,
    policy: allowAll,
    safety,
    sessions: new SessionRiskTracker(),
    ...overrides,
  });
  return {
    database,
    db,
    registry,
    safety,
    executor,
    auditor: new ActionAuditor(db),
    async close() {
      executor.close();
      await database.close();
    },
  };
}

/** A proposal that was validated. */
export async function validated(
  executor: ActionExecutor,
  request: Partial<ActionRequest> = {},
): Promise<ActionProposal> {
  const { id } = await executor.propose(aRequest(request));
  const { outcome, proposal } = await executor.validate(id);
  if (outcome !== "valid") throw new Error(`expected a valid proposal, got ${outcome}`);
  return proposal;
}

/** Looks until something is so. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("it did not become so within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
