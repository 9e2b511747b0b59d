import { randomUUID } from "node:crypto";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { LIFT_HOLD, listHolds, SelfExtensionError } from "@jarvis/tools/self-extension";
import type { Kernel } from "../kernel/kernel.ts";
import { CALL_TOOL } from "../kernel/serving/body-requests.ts";
import { RollbackRefused } from "../kernel/serving/rollback-refused.ts";
import { ActionRefused } from "./action-api.ts";
import type { ApiEnvironment } from "./guard.ts";
import * as routes from "./release-routes.ts";

/** Going back, and what may be tried again after it. */
export function addReleaseRoutes(app: OpenAPIHono<ApiEnvironment>, kernel: () => Kernel): void {
  app.openapi(routes.postRollback, async (context) => {
    const { reason, to } = context.req.valid("json");
    const { life, problem } = kernel().serving;
    if (life === null) {
      const why = problem ?? "the base names no body in jarvis.config.json";
      throw new RollbackRefused("nothing-serves", `Nothing serves here: ${why}.`);
    }
    const by = context.get("caller").name;
    const answer = await life.rollBack({ reason: `${reason} (${by})`, to: to ?? null });
    return context.json({ ...answer }, 200);
  });

  app.openapi(routes.postCall, async (context) => {
    const tool = context.req.valid("param").name;
    const { input } = context.req.valid("json");
    const outcome = await kernel().actions.executor.perform({
      actionName: CALL_TOOL,
      parameters: { tool, input: input ?? null, goalId: null },
      reason: `a person asks for ${tool}`,
      requester: { kind: "user", name: context.get("caller").name },
      agentId: null,
      sessionId: `call:${randomUUID()}`,
    });
    if (outcome.outcome !== "completed") {
      throw new ActionRefused(`call-${outcome.outcome}`, sentenceOf(tool, outcome));
    }
    return context.json({ output: outcome.result }, 200);
  });

  app.openapi(routes.getHolds, async (context) => {
    const holds = await listHolds(kernel().world);
    return context.json(
      { holds: holds.map(({ id, kind, title, since }) => ({ runId: id, kind, title, since })) },
      200,
    );
  });

  app.openapi(routes.postLift, async (context) => {
    const { id } = context.req.valid("param");
    const { world, actions } = kernel();
    if (!(await listHolds(world)).some((hold) => hold.id === id)) {
      throw new SelfExtensionError(
        "run-unknown",
        `Nothing is held as ${id}; \`jarvis hold list\` lists what is.`,
      );
    }
    const outcome = await actions.executor.perform({
      actionName: LIFT_HOLD,
      parameters: { runId: id },
      reason: context.req.valid("json").reason,
      requester: { kind: "user", name: context.get("caller").name },
      agentId: null,
      sessionId: `hold:${id}`,
    });
    if (outcome.outcome !== "completed") {
      throw new ActionRefused(
        outcome.outcome,
        `The hold was not lifted: ${describeOutcome(outcome)}.`,
      );
    }
    return context.json({ runId: id }, 200);
  });
}

/** One sentence: the body's own has its code in front and a full stop already. */
export function sentenceOf(tool: string, outcome: object): string {
  const said = describeOutcome(outcome).replace(/^[a-z-]+: /, "");
  return `${tool}: ${said.replace(/\.$/, "")}.`;
}

/** Why an action was not carried out, in the words that came with it. */
export function describeOutcome(outcome: object): string {
  if ("detail" in outcome && typeof outcome.detail === "string") return outcome.detail;
  if ("error" in outcome && typeof outcome.error === "string") return outcome.error;
  return "reason" in outcome && typeof outcome.reason === "string" ? outcome.reason : "refused";
}
