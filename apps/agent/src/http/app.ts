import { OpenAPIHono } from "@hono/zod-openapi";
import { readAgentState } from "@jarvis/db";
import { readSafetyState } from "@jarvis/operator-core";
import { checkSandbox } from "@jarvis/sandbox";
import {
  getPromotionControlState,
  lastSeenBase,
  listEvents,
  listRuns,
  openRuns,
  readRun,
  SelfExtensionError,
  type LifecycleEvent,
  type RunState,
} from "@jarvis/tools/self-extension";
import { sql } from "drizzle-orm";
import { bodyLimit } from "hono/body-limit";
import type { Kernel } from "../kernel/kernel.ts";
import { guard, refusal } from "./guard.ts";
import * as routes from "./routes.ts";

/** The actor of everything that is asked with the token of the state directory. */
const OPERATOR = "operator";
const MAX_BODY = 40 * 2 ** 20;

export interface ApiOptions {
  readonly kernel: () => Kernel | null;
  readonly token: string;
  readonly port: () => number;
  readonly startedAt: Date;
}

/** The HTTP API of the kernel. Answers before the kernel is ready, so that readiness can be asked. */
export function makeApi(options: ApiOptions): OpenAPIHono {
  const app = new OpenAPIHono({
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

  app.get("/healthz", (context) => context.json({ status: "alive" }));
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
  app.use("/api/*", guard({ token: options.token, port: options.port }));
  app.use("/api/*", bodyLimit({ maxSize: MAX_BODY }));
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
    // The recorded actor is the token's, never what a request says.
    const { runId } = await kernel().pipeline.submit({
      ...body,
      actor: OPERATOR,
      actorSource: "user",
    });
    return context.json({ runId }, 202);
  });
  app.openapi(routes.postPromotion, async (context) => {
    const { paused, reason } = context.req.valid("json");
    const answer = await kernel().pause({ paused, reason, actor: OPERATOR });
    return context.json({ ...answer, inFlight: [...answer.inFlight] }, 200);
  });
  app.openapi(routes.postMode, async (context) => {
    const { mode, reason } = context.req.valid("json");
    return context.json(await kernel().setMode({ mode, reason, actor: OPERATOR }), 200);
  });
  app.openapi(routes.postKill, async (context) => {
    const { reason } = context.req.valid("json");
    return context.json(await kernel().kill({ reason, actor: OPERATOR }), 200);
  });
  app.openapi(routes.postAccept, async (context) => {
    const { sha } = context.req.valid("json");
    return context.json({ sha, ...(await kernel().accept(sha, OPERATOR)) }, 200);
  });

  app.notFound((context) =>
    context.json(
      refusal("not-found", `There is no ${context.req.path}; see /api/openapi.json.`),
      404,
    ),
  );
  app.onError((error, context) => {
    if (error instanceof NotReady) {
      return context.json(
        refusal("starting", "The kernel is still starting; try again in a moment."),
        503,
      );
    }
    if (error instanceof SelfExtensionError) {
      const status =
        error.code === "invalid-proposal" ? 400 : error.code === "run-unknown" ? 404 : 503;
      return context.json(refusal(error.code, error.message), status);
    }
    options.kernel()?.progress.problem(error);
    return context.json(refusal("internal", error.message), 503);
  });
  return app;
}

class NotReady extends Error {
  override readonly name = "NotReady";
}

async function readStatus(kernel: Kernel, options: ApiOptions) {
  const { db } = kernel.database;
  const sandbox = await checkSandbox();
  const safety = await readSafetyState(db);
  const baseline = await readAgentState(db, "self_extension:known_good_baseline");
  return {
    kernel: {
      pid: process.pid,
      url: `http://127.0.0.1:${options.port()}`,
      startedAt: options.startedAt.toISOString(),
    },
    repository: {
      directory: kernel.repository.directory,
      head: kernel.repository.head,
      branch: kernel.repository.branch,
      uncommitted: [...kernel.repository.uncommitted],
    },
    promotion: await getPromotionControlState(db),
    safety: { mode: safety.mode, reason: safety.trusted ? safety.reason : safety.problem },
    base: { branch: kernel.connection.target.baseBranch, lastSeen: await lastSeenBase(db) },
    // Promoted code is not run by this version, so nothing but the checkout's own build serves.
    serving: null,
    baseline: baselineSha(baseline?.value),
    openRuns: (await openRuns(db)).map((state) => summary(kernel, state)),
    sandbox: sandbox.available
      ? { available: true, tier: sandbox.tier, message: null }
      : { available: false, tier: null, message: sandbox.message },
    database: {
      server: kernel.database.server,
      ledger:
        kernel.database.ledgerGuard === "enforced" ? "append-only" : kernel.database.ledgerGuard,
      mendSql: kernel.database.ledgerGuardSql,
    },
    host: {
      kind: kernel.connection.kind,
      webUrl: kernel.connection.webUrl,
      cloneUrl: kernel.connection.cloneUrl,
      fence: "none",
    },
    lastProblem: kernel.progress.lastProblem,
  };
}

function baselineSha(value: unknown): string | null {
  if (typeof value !== "object" || value === null || !("sha" in value)) return null;
  return typeof value.sha === "string" ? value.sha : null;
}

function summary(kernel: Kernel, state: RunState) {
  return {
    runId: state.runId,
    status: state.status,
    attempt: state.attempt,
    title: state.title,
    blockReasons: [...state.blockReasons],
    pullRequestUrl: state.pullRequestUrl,
    mergeSha: state.mergeSha,
    startedAt: state.startedAt,
    updatedAt: state.updatedAt,
    endedAt: state.endedAt,
    progress: kernel.progress.of(state.runId),
  };
}

function plain(event: LifecycleEvent): PlainEvent {
  return { ...event, context: { ...event.context }, payload: { ...event.payload } };
}

interface PlainEvent {
  id: string;
  runId: string;
  correlationId: string;
  seq: number;
  type: string;
  stage: string;
  context: Record<string, unknown>;
  payload: Record<string, unknown>;
  createdAt: string;
}
