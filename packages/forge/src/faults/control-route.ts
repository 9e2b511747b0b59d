import type { HttpBindings } from "@hono/node-server";
import { Hono, type Context } from "hono";

import type { Authenticate } from "../actor.ts";
import { operations } from "../api/operations.ts";
import { refuse } from "../api/respond.ts";
import type { RateLimits } from "../limits/rate-limits.ts";
import { notFound, Problem } from "../problem.ts";
import { guardContentType } from "../request-guard.ts";
import { FaultOrder } from "./fault.ts";
import type { Faults } from "./faults.ts";

export const CONTROL_PATH = "/__control/faults";

interface Env {
  Bindings: HttpBindings;
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/**
 * `POST` orders a fault, `GET` lists what was ordered and how often it happened, `DELETE` takes all
 * back, budgets included. For the operator on this machine; anybody else is told that there is no
 * such place.
 */
export function createControl(
  faults: Faults,
  limits: RateLimits,
  authenticate: Authenticate,
): Hono<Env> {
  const app = new Hono<Env>();
  app.onError((error) =>
    refuse(error instanceof Problem ? error : new Problem(500, "Server Error")),
  );
  app.all("*", async (context) => {
    requireOperator(context, authenticate);
    switch (context.req.method) {
      case "POST":
        return context.json({ id: faults.plan.order(await readOrder(context)) }, 201);
      case "GET":
        return context.json(faults.plan.list());
      case "DELETE":
        faults.plan.clear();
        limits.primary.clear();
        return context.body(null, 204);
      default:
        throw new Problem(405, "Faults are ordered with POST, listed with GET, ended with DELETE.");
    }
  });
  return app;
}

function requireOperator(context: Context<Env>, authenticate: Authenticate): void {
  const local = LOOPBACK.has(context.env.incoming.socket.remoteAddress ?? "");
  const actor = authenticate(context.req.header("authorization"));
  if (!local || actor?.administrator !== true) throw notFound();
}

async function readOrder(context: Context<Env>): Promise<FaultOrder> {
  const refused = guardContentType(context.req.header("content-type"));
  if (refused !== undefined) throw refused;
  const body: unknown = await context.req.json().catch(() => {
    throw new Problem(400, "Problems parsing JSON");
  });
  const parsed = FaultOrder.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Problem(422, `${issue?.path.join(".") || "The order"}: ${issue?.message}.`);
  }
  const { operation } = parsed.data.match;
  if (operation !== undefined && !operations.some(({ id }) => id === operation)) {
    throw new Problem(422, `match.operation: this forge serves no ${operation}.`);
  }
  return parsed.data;
}
