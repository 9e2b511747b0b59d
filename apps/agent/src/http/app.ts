import { OpenAPIHono } from "@hono/zod-openapi";
import {
  getPromotionControlState,
  listEvents,
  listRuns,
  readRun,
  SelfExtensionError,
} from "@jarvis/tools/self-extension";
import { sql } from "drizzle-orm";
import { bodyLimit } from "hono/body-limit";
import type { Kernel } from "../kernel/kernel.ts";
import { proofOf, type Tokens } from "../token.ts";
import { addActionRoutes } from "./action-api.ts";
import { answerError, NotReady } from "./errors.ts";
import { guard, refusal, type ApiEnvironment } from "./guard.ts";
import { ProposalQuota } from "../proposal-quota.ts";
import * as routes from "./routes.ts";
import { addReleaseRoutes } from "./release-api.ts";
import { addSessionRoutes } from "./session-api.ts";
import { plain, readStatus, summary, type PlainEvent } from "./views.ts";

const MAX_BODY = 40 * 2 ** 20;

export interface ApiOptions {
  readonly kernel: () => Kernel | null;
  readonly tokens: Tokens;
  readonly port: () => number;
  readonly startedAt: Date;
}

/**
 * The HTTP API of the kernel. Answers before the kernel is ready, so that readiness can be asked. The
 * recorded actor is always the token's, never what a request says.
 */
export function makeApi(options: ApiOptions): OpenAPIHono<ApiEnvironment> {
  const quota = new ProposalQuota();
  const app = new OpenAPIHono<ApiEnvironment>({
    defaultHook(result, context) {
      if (result.success) return;
      const issue = result.error.issues[0];
      return context.json(
        refusal(
          "invalid-request",
          `The request cannot be read: ${issue?.path.join(".") || "body"}: ${issue?.message ?? "unknown problem"}.`,
        ),
        400,
      );
    },
  });
  const kernel = (): Kernel => {
    const running = options.kernel();
    if (running === null) throw new NotReady();
    return running;
  };

  app.get("/healthz", (context) => {
    const challenge = context.req.query("challenge");
    return context.json({
      status: "alive",
      ...(challenge === undefined ? {} : { proof: proofOf(options.tokens.operator, challenge) }),
    });
  });
  app.get("/readyz", async (context) => {
    const running = options.kernel();
    if (running === null) return context.json({ status: "starting" }, 503);
    try {
      await running.database.db.execute(sql`select 1`);
      return context.json({ status: "ready" });
    } catch {
      return context.json({ status: "database unreachable" }, 503);
    }
  });
  app.use("/api/*", guard({ tokens: options.tokens, port: options.port }));
  app.use(
    "/api/*",
    bodyLimit({
      maxSize: MAX_BODY,
      onError: (context) =>
        context.json(
          refusal("too-large", `The request is larger than the limit of ${MAX_BODY} bytes.`),
          413,
        ),
    }),
  );
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
  });
  app.doc31("/api/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Jarvis",
      version: "1",
      description:
        "The kernel of an agent that changes its own source and cannot hurt itself doing it.",
    },
  });

  app.openapi(routes.getStatus, async (context) =>
    context.json(await readStatus(kernel(), options), 200),
  );
  app.openapi(routes.getSelfExtension, async (context) => {
    const { db } = kernel().database;
    const promotion = await getPromotionControlState(db);
    const newest = async (type?: string): Promise<PlainEvent | null> => {
      const [event] = await listEvents(db, { type, limit: 1 });
      return event === undefined ? null : plain(event);
    };
    return context.json(
      {
        paused: promotion.paused,
        promotion,
        lastEvent: await newest(),
        lastPromotion: await newest("promoted"),
        lastVerification: await newest("tested"),
        lastRollback: await newest("rolled_back"),
      },
      200,
    );
  });
  app.openapi(routes.getRuns, async (context) => {
    const { limit, before } = context.req.valid("query");
    const states = await listRuns(kernel().database.db, { limit, before });
    return context.json({ runs: states.map((state) => summary(kernel(), state)) }, 200);
  });
  app.openapi(routes.getRun, async (context) => {
    const { id } = context.req.valid("param");
    const run = await readRun(kernel().database.db, id);
    if (run === null) {
      throw new SelfExtensionError(
        "run-unknown",
        `There is no run ${id}; \`jarvis runs\` lists them.`,
      );
    }
    return context.json(
      {
        run: summary(kernel(), run.state),
        result: run.result,
        events: run.events.map((event) => plain(event)),
      },
      200,
    );
  });
  app.openapi(routes.getEvents, async (context) => {
    const { limit, after, run, type } = context.req.valid("query");
    const events = await listEvents(kernel().database.db, { limit, after, runId: run, type });
    return context.json({ events: events.map((event) => plain(event)) }, 200);
  });
  app.openapi(routes.postProposal, async (context) => {
    const body = context.req.valid("json");
    const caller = context.get("caller");
    const { database, pipeline } = kernel();
    const submit = async () =>
      await pipeline.submit({ ...body, actor: caller.name, actorSource: "user" });
    const bytes = Buffer.byteLength(body.patch);
    const { runId } = await quota.within(database.db, caller, bytes, submit);
    return context.json({ runId }, 202);
  });
  app.openapi(routes.postPromotion, async (context) => {
    const { paused, reason } = context.req.valid("json");
    const answer = await kernel().pause({ paused, reason, actor: context.get("caller").name });
    return context.json({ ...answer, inFlight: [...answer.inFlight] }, 200);
  });
  app.openapi(routes.postMode, async (context) => {
    const { mode, reason } = context.req.valid("json");
    return context.json(
      await kernel().setMode({ mode, reason, actor: context.get("caller").name }),
      200,
    );
  });
  app.openapi(routes.postKill, async (context) => {
    const { reason } = context.req.valid("json");
    return context.json(await kernel().kill({ reason, actor: context.get("caller").name }), 200);
  });
  app.openapi(routes.postAccept, async (context) => {
    const { sha } = context.req.valid("json");
    return context.json({ sha, ...(await kernel().accept(sha, context.get("caller").name)) }, 200);
  });
  addActionRoutes(app, kernel);
  addReleaseRoutes(app, kernel);
  addSessionRoutes(app, kernel);

  app.notFound((context) =>
    context.json(
      refusal("not-found", `There is no ${context.req.path}; see /api/openapi.json.`),
      404,
    ),
  );
  app.onError((error, context) =>
    answerError(error, context, (unknown) => options.kernel()?.progress.problem(unknown)),
  );
  return app;
}
