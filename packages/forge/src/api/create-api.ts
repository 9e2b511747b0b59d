import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";

import type { Actor, Authenticate } from "../actor.ts";
import { followPulls } from "../follow-pulls.ts";
import { ForgeError } from "../forge-error.ts";
import { notFound, Problem } from "../problem.ts";
import { API_PATH } from "../render/links.ts";
import { guardContentType } from "../request-guard.ts";
import type { RequestLog } from "../request-log.ts";
import type { World } from "../world.ts";
import { createMatcher } from "./match-operation.ts";
import type { Answer, ApiRequest, Operation } from "./operation.ts";
import { operations } from "./operations.ts";
import { refuse, respond } from "./respond.ts";

// A blob of 24 MiB in base64, and what stands around it.
const LARGEST_BODY_BYTES = 33 * 1024 * 1024;

// These only add objects that nothing names yet: they change nothing that another request decides by.
const OBJECTS_ONLY = new Set(["git/create-blob", "git/create-tree", "git/create-commit"]);

export interface ApiOptions {
  world: World;
  authenticate: Authenticate;
  requestLog: RequestLog;
}

/** The REST API below {@link API_PATH}, as a fetch handler. */
export function createApi(options: ApiOptions): Hono {
  const match = createMatcher(operations);
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: LARGEST_BODY_BYTES,
      onError: (context) => {
        const problem = new Problem(413, `A body may have ${LARGEST_BODY_BYTES} bytes at most.`);
        record(options, context, undefined, problem.status);
        return refuse(problem);
      },
    }),
  );
  app.all("*", async (context) => {
    const actor = options.authenticate(context.req.header("authorization"));
    let error: string | undefined;
    const response = await answer(options, match, context, actor).catch((thrown: unknown) => {
      const problem = toProblem(thrown);
      if (problem.status >= 500) error = String(thrown);
      return refuse(problem);
    });
    record(options, context, actor, response.status, error);
    return response;
  });
  return app;
}

async function answer(
  { world }: ApiOptions,
  match: ReturnType<typeof createMatcher>,
  context: Context,
  actor: Actor | undefined,
): Promise<Response> {
  if (actor === undefined) {
    const offered = context.req.header("authorization") !== undefined;
    throw new Problem(401, offered ? "Bad credentials" : "Requires authentication");
  }
  const url = new URL(context.req.url);
  const path = url.pathname.slice(API_PATH.length) || "/";
  const found = match(context.req.method, path);
  if (found === undefined) throw notServed(context.req.method, path);
  requireRepository(world, found.parameters);
  const request: ApiRequest<Record<string, string>> = {
    parameters: found.parameters,
    query: url.searchParams,
    body: found.operation.method === "GET" ? undefined : await readJson(context),
    actor,
    accept: context.req.header("accept") ?? "",
    // Links of pages name the address the forge is known by, whatever name it was called by.
    url: new URL(`${url.pathname}${url.search}`, world.links.origin),
  };
  const result = await perform(found.operation, request, world);
  return respond(result, {
    ifNoneMatch: context.req.header("if-none-match"),
    cacheable: found.operation.method === "GET",
    rateLimit: world.rateLimit,
    login: actor.login,
  });
}

/** One change at a time, with pull requests up to date before and after it. */
async function perform(
  operation: Operation,
  request: ApiRequest<Record<string, string>>,
  world: World,
): Promise<Answer> {
  const { repository } = world;
  if (operation.method === "GET" || OBJECTS_ONLY.has(operation.id)) {
    return operation.handle(request, world);
  }
  return repository.mutex.run(async () => {
    await followPulls(repository, undefined);
    const result = await operation.handle(request, world);
    await followPulls(repository, request.actor.login);
    return result;
  });
}

async function readJson(context: Context): Promise<unknown> {
  const text = await context.req.text();
  if (text === "") return undefined;
  const problem = guardContentType(context.req.header("content-type"));
  if (problem !== undefined) throw problem;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem(400, "Problems parsing JSON");
  }
}

/** GitHub compares owner and name without case, and says "Not Found" for what it does not show. */
function requireRepository(world: World, parameters: Record<string, string>): void {
  const { owner, name } = world.repository;
  const { owner: givenOwner = owner, repo: givenName = name } = parameters;
  if (
    givenOwner.toLowerCase() !== owner.toLowerCase() ||
    givenName.toLowerCase() !== name.toLowerCase()
  ) {
    throw notFound();
  }
}

function notServed(method: string, path: string): Problem {
  return notFound(
    `Not Found: this forge serves the repository, refs, git data, contents, commits, compare, ` +
      `branches, protection, statuses, pulls and their comments, but not ${method} ${path}.`,
  );
}

function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof ForgeError && thrown.code === "ref-conflict") {
    return new Problem(409, "The repository changed while this request was served. Try again.");
  }
  return new Problem(500, "Server Error");
}

function record(
  { requestLog }: ApiOptions,
  context: Context,
  actor: Actor | undefined,
  status: number,
  error?: string,
): void {
  const { method } = context.req;
  requestLog.record({
    method,
    path: new URL(context.req.url).pathname,
    status,
    mutation: method !== "GET" && method !== "HEAD",
    actor: actor?.login ?? null,
    ...(error === undefined ? {} : { error }),
  });
}
