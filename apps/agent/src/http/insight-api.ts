import type { OpenAPIHono } from "@hono/zod-openapi";
import {
  readRunEvents,
  foldRun,
  SelfExtensionError,
  type RunState,
} from "@jarvis/tools/self-extension";
import { lineage } from "../kernel/insight/lineage.ts";
import { runPatch } from "../kernel/insight/run-patch.ts";
import { runReasons } from "../kernel/insight/run-reasons.ts";
import { authorCost } from "../kernel/insight/author-cost.ts";
import { trends } from "../kernel/insight/trends.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { ApiEnvironment } from "./guard.ts";
import * as routes from "./insight-routes.ts";
import { baselineSha } from "./views.ts";

/** What the operator's page asks beside runs and events. */
export function addInsightRoutes(app: OpenAPIHono<ApiEnvironment>, kernel: () => Kernel): void {
  const stateOf = async (id: string): Promise<RunState> => {
    const events = await readRunEvents(kernel().database.db, id);
    if (events.length > 0) return foldRun(id, events);
    throw new SelfExtensionError(
      "run-unknown",
      `There is no run ${id}; \`jarvis runs\` lists them.`,
    );
  };

  app.openapi(routes.getReasons, async (context) => {
    const run = await stateOf(context.req.valid("param").id);
    const found = await runReasons(kernel().world, run);
    return context.json({ ...found, recorded: [...found.recorded], now: [...found.now] }, 200);
  });

  app.openapi(routes.getPatch, async (context) => {
    const run = await stateOf(context.req.valid("param").id);
    return context.json({ ...(await runPatch(kernel().database.db, run)) }, 200);
  });

  app.openapi(routes.getReleases, async (context) => {
    const { limit, before } = context.req.valid("query");
    const { world, serving, database } = kernel();
    return context.json(
      {
        serving: serving.life?.serving?.facts.sha ?? null,
        baseline: await baselineSha(database.db),
        releases: await lineage(world, { limit, before }),
      },
      200,
    );
  });

  app.openapi(routes.getTrends, async (context) => {
    const { days } = context.req.valid("query");
    const { db } = kernel().database;
    return context.json({ days: await trends(db, days), author: await authorCost(db, days) }, 200);
  });
}
