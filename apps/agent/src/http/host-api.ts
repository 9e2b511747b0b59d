import type { OpenAPIHono } from "@hono/zod-openapi";
import {
  hostProblem,
  inspectHost,
  takeover,
  TAKE_OVER,
  type HostReport,
} from "@jarvis/tools/self-extension";
import { HTTPException } from "hono/http-exception";
import type { Kernel } from "../kernel/kernel.ts";
import { LandingOpen } from "../kernel/operator-orders.ts";
import { ActionRefused } from "./action-api.ts";
import type { ApiEnvironment } from "./guard.ts";
import * as routes from "./host-routes.ts";
import { describeOutcome } from "./release-api.ts";

/** What is known of the repository host, and whose it is to promote there. */
export function addHostRoutes(app: OpenAPIHono<ApiEnvironment>, kernel: () => Kernel): void {
  app.openapi(routes.getHost, async (context) => {
    try {
      const { world, connection } = kernel();
      const report = await inspectHost(world);
      const isLocal = connection.kind === "forge";
      // The local forge runs no workflows, whatever the repository holds.
      return context.json(plain({ ...report, workflows: isLocal ? [] : report.workflows }), 200);
    } catch (error) {
      const problem = hostProblem(error);
      if (problem === null) throw error;
      throw new HTTPException(503, { message: problem.detail, cause: error });
    }
  });

  app.openapi(routes.postRecover, async (context) => {
    const { reason } = context.req.valid("json");
    const actor = context.get("caller").name;
    const abandoned = await kernel()
      .recover({ reason, actor })
      .catch((error: unknown) => {
        if (error instanceof LandingOpen) throw new ActionRefused("landing-open", error.message);
        throw error;
      });
    if (abandoned === null) {
      throw new ActionRefused(
        "nothing-to-recover",
        "The ledger goes on from everything that was seen of it: there is nothing to recover.",
      );
    }
    const { recordId, from, to } = abandoned;
    return context.json({ recordId, from, to }, 200);
  });

  app.openapi(routes.postTakeover, async (context) => {
    const outcome = await kernel().actions.executor.perform({
      actionName: TAKE_OVER,
      parameters: {},
      reason: context.req.valid("json").reason,
      requester: { kind: "user", name: context.get("caller").name },
      agentId: null,
      sessionId: `takeover:${Date.now()}`,
    });
    if (outcome.outcome !== "completed") {
      throw new ActionRefused(
        outcome.outcome,
        `Nothing was taken over: ${describeOutcome(outcome)}.`,
      );
    }
    return context.json(takeover.parse(outcome.result), 200);
  });
}

/** The report with lists that JSON's types may change. */
function plain(report: HostReport) {
  const { permissions, protection, workflows } = report;
  return {
    ...report,
    permissions: [...permissions],
    protection: {
      ...protection,
      contexts: [...protection.contexts],
      obstacles: protection.obstacles === null ? null : [...protection.obstacles],
    },
    workflows: workflows?.map((each) => ({ ...each, events: [...each.events] })) ?? null,
  };
}
