import { OpenAPIHono } from "@hono/zod-openapi";
import {
  getPromotionControlState,
  listShownEvents,
  listRuns,
  readRun,
  SelfExtensionError,
} from "@jarvis/tools/self-extension";
import { sql } from "drizzle-orm";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { RouterRoute } from "hono/types";
import type { Kernel } from "../kernel/kernel.ts";
import { StandsBy, type Standby } from "../kernel/leadership/standby-kernel.ts";
import type { Live } from "../kernel/stream/live.ts";
import { proofsOf, type Tokens } from "../token.ts";
import { addActionRoutes } from "./action-api.ts";
import { answerError, NotReady } from "./errors.ts";
import { FailureDelay } from "./browser/failure-delay.ts";
import { securityHeaders } from "./browser/headers.ts";
import { LoginLinks } from "./browser/login-links.ts";
import type { Page } from "./browser/page.ts";
import type { Places } from "./browser/places.ts";
import type { BrowserSessions } from "./browser/sessions.ts";
import { guard, hostGuard, refusal, type ApiEnvironment } from "./guard.ts";
import { ProposalQuota } from "../proposal-quota.ts";
import * as routes from "./routes.ts";
import { addHostRoutes } from "./host-api.ts";
import { addReleaseRoutes } from "./release-api.ts";
import { addInsightRoutes } from "./insight-api.ts";
import { addLedgerRoutes } from "./ledger-api.ts";
import { addLoginRoutes } from "./login-api.ts";
import { addSessionRoutes } from "./session-api.ts";
import { spentOnRun } from "../kernel/goals/goal-store.ts";
import { addGoalRoutes } from "./goal-api.ts";
import { addStreamRoute } from "./stream-api.ts";
import { allowedOnStandby } from "./standby.ts";
import { plain, readStatus, summary, type PlainEvent } from "./views.ts";

const MAX_BODY = 40 * 2 ** 20;
/** Anybody may send one: it holds a code of a login link and nothing else. */
const MAX_LOGIN_BODY = 4096;

export interface ApiOptions {
  /** Null before it is up, and while it stands by. */
  readonly kernel: () => Kernel | null;
  /** What answers while another kernel leads; null where none of this is. */
  readonly standby: () => Standby | null;
  readonly tokens: Tokens;
  readonly sessions: BrowserSessions;
  readonly places: Places;
  readonly port: () => number;
  readonly live: () => Live | null;
  /** The operator's page; null where it is not built. */
  readonly page: Page | null;
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
    const running = options.kernel() ?? options.standby()?.kernel;
    if (running === undefined) throw new NotReady();
    return running;
  };

  const doors = { ...options, failures: new FailureDelay() };
  app.use("*", securityHeaders(), hostGuard(doors));
  app.get("/healthz", (context) => {
    const challenge = context.req.query("challenge");
    const url = options.places.localUrl;
    return context.json({
      status: "alive",
      ...(challenge === undefined ? {} : proofsOf(options.tokens.operator, { challenge, url })),
    });
  });
  app.get("/readyz", async (context) => {
    const running = options.kernel();
    if (running === null) {
      return context.json({ status: options.standby() === null ? "starting" : "standby" }, 503);
    }
    try {
      await running.database.db.execute(sql`select 1`);
      return context.json({ status: "ready" });
    } catch {
      return context.json({ status: "database unreachable" }, 503);
    }
  });
  app.use("/api/*", guard(doors), async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });
  app.use("/api/*", async (context, next) => {
    const standby = options.kernel() === null ? options.standby() : null;
    if (standby !== null && !allowedOnStandby(context.req)) throw new StandsBy(standby.leader());
    await next();
  });
  app.use("/api/login", limitTo(MAX_LOGIN_BODY));
  app.use("/api/*", limitTo(MAX_BODY));
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

  app.openapi(routes.getStatus, async (context) => {
    const standby = options.kernel() === null ? options.standby() : null;
    return context.json(await readStatus(kernel(), options, standby), 200);
  });
  app.openapi(routes.getSelfExtension, async (context) => {
    const { db } = kernel().database;
    const promotion = await getPromotionControlState(db);
    const newest = async (type?: string): Promise<PlainEvent | null> => {
      const [event] = await listShownEvents(db, { type, limit: 1 });
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
    const states = await listRuns(kernel().database.db, context.req.valid("query"));
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
        cost: await spentOnRun(kernel().database.db, id),
      },
      200,
    );
  });
  app.openapi(routes.getEvents, async (context) => {
    const { run: runId, ...filter } = context.req.valid("query");
    const events = await listShownEvents(kernel().database.db, { ...filter, runId });
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
    const change = context.req.valid("json");
    return context.json(
      await kernel().pause({ ...change, actor: context.get("caller").name }),
      200,
    );
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
    const { cancelledCount, stopped } = await kernel().kill({
      reason,
      actor: context.get("caller").name,
    });
    return context.json({ cancelledCount, stopped: [...stopped] }, 200);
  });
  app.openapi(routes.postAccept, async (context) => {
    const { sha } = context.req.valid("json");
    return context.json({ sha, ...(await kernel().accept(sha, context.get("caller").name)) }, 200);
  });
  addActionRoutes(app, kernel);
  addReleaseRoutes(app, kernel);
  addHostRoutes(app, kernel);
  addSessionRoutes(app, kernel);
  addGoalRoutes(app, kernel);
  const { sessions, places } = options;
  addInsightRoutes(app, kernel);
  addLedgerRoutes(app, kernel);
  addStreamRoute(app, { live: options.live, doors });
  addLoginRoutes(app, { sessions, places, links: new LoginLinks(), doors });

  app.notFound((context) => {
    const { method, path } = context.req;
    const isPage = (method === "GET" || method === "HEAD") && !/^\/api(\/|$)/.test(path);
    const encoding = context.req.header("accept-encoding") ?? "";
    const answer = isPage ? (options.page?.answer(path, encoding) ?? null) : null;
    if (answer !== null) return answer;
    const allowed = methodsAt(app.routes, path);
    if (allowed.length > 0) {
      const taken = allowed.join(", ");
      context.header("Allow", taken);
      const sentence = `${path} is not asked by ${method}, but by ${taken}.`;
      return context.json(refusal("method-not-allowed", sentence), 405);
    }
    return context.json(refusal("not-found", notFound(path, options.page)), 404);
  });
  app.onError((error, context) =>
    answerError(error, context, (unknown) => options.kernel()?.progress.problem(unknown)),
  );
  return app;
}

function limitTo(maxSize: number): MiddlewareHandler {
  const sentence = `The request is larger than the limit of ${maxSize} bytes.`;
  const onError = (context: Context) => context.json(refusal("too-large", sentence), 413);
  return bodyLimit({ maxSize, onError });
}

/** By which methods a path is asked that this one was not. */
function methodsAt(known: readonly RouterRoute[], path: string): string[] {
  const isAt = ({ path: pattern }: RouterRoute): boolean =>
    new RegExp(`^${pattern.replaceAll(/:\w+/g, "[^/]+")}$`).test(path);
  const methods = known.filter((route) => route.method !== "ALL" && isAt(route));
  return [...new Set(methods.map(({ method }) => method))].toSorted();
}

function notFound(path: string, page: Page | null): string {
  return page === null && path === "/"
    ? "The operator's page is not built here; `pnpm build` builds it, and the next start serves it."
    : `There is no ${path}; see /api/openapi.json.`;
}
