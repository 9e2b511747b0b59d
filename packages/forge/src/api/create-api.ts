import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";

import type { Actor, Authenticate } from "../actor.ts";
import { exchanges, type Exchange } from "../exchange.ts";
import type { Fault } from "../faults/fault.ts";
import { ConnectionClosed, disturbAfter, disturbBefore, staleWorld } from "../faults/faults.ts";
import { followPulls } from "../follow-pulls.ts";
import { ForgeError } from "../forge-error.ts";
import { primaryExceeded, secondaryExceeded } from "../limits/rate-limits.ts";
import { notFound, Problem } from "../problem.ts";
import { API_PATH } from "../render/links.ts";
import { guardContentType } from "../request-guard.ts";
import type { RequestLog } from "../request-log.ts";
import type { World } from "../world.ts";
import { createMatcher, decodeParameters, type Match } from "./match-operation.ts";
import { RATE_LIMIT_PATH } from "./meta.ts";
import type { Answer, ApiRequest, Operation } from "./operation.ts";
import { operations } from "./operations.ts";
import { rateLimitHeaders, refuse, respond } from "./respond.ts";

// A blob of 24 MiB in base64, and what stands around it.
const LARGEST_BODY_BYTES = 33 * 1024 * 1024;

// These only add objects that nothing names yet: they change nothing that another request decides by.
const OBJECTS_ONLY = new Set(["git/create-blob", "git/create-tree", "git/create-commit"]);

export interface ApiOptions {
  world: World;
  authenticate: Authenticate;
  requestLog: RequestLog;
}

interface Env {
  Bindings: HttpBindings;
}
type ApiContext = Context<Env>;

interface Served {
  response: Response;
  /** Why it failed inside the forge. */
  error?: string;
  /** What was answered, where a fault hid it from the client. */
  hidden?: number;
}

/** The REST API below {@link API_PATH}, as a fetch handler. */
export function createApi(options: ApiOptions): Hono<Env> {
  const match = createMatcher(operations);
  const app = new Hono<Env>();
  app.use(
    bodyLimit({
      maxSize: LARGEST_BODY_BYTES,
      onError: (context) => {
        const problem = new Problem(413, `A body may have ${LARGEST_BODY_BYTES} bytes at most.`);
        record(options, context, undefined, { response: refuse(problem) }, []);
        return refuse(problem);
      },
    }),
  );
  app.all("*", async (context) => {
    const actor = options.authenticate(context.req.header("authorization"));
    const found = match(context.req.method, pathOf(context));
    const faults = (actor && takeFaults(options.world, context, actor, found)) ?? [];
    const served = await serve(options.world, context, actor, found, faults);
    record(options, context, actor, served, faults);
    if (exchanges.hasSubscribers && served.response !== RESPONSE_ALREADY_SENT) {
      exchanges.publish(await toExchange(context, served.response));
    }
    return served.response;
  });
  return app;
}

function takeFaults(
  world: World,
  context: ApiContext,
  actor: Actor,
  found: Match | undefined,
): Fault[] | undefined {
  return world.faults?.plan.take({
    method: context.req.method,
    path: pathOf(context),
    operation: found?.operation.id,
    login: actor.login,
  });
}

/** Serves a call, with what was ordered to go wrong before and after it. */
async function serve(
  world: World,
  context: ApiContext,
  actor: Actor | undefined,
  found: Match | undefined,
  faults: readonly Fault[],
): Promise<Served> {
  let served: Served | undefined;
  try {
    await disturbBefore(faults, world, actor?.login ?? "");
    served = await answerOrRefuse(staleWorld(faults, world), context, actor, found);
    await disturbAfter(faults, world);
  } catch (error) {
    const hidden = served === undefined ? {} : { hidden: served.response.status };
    if (error instanceof ConnectionClosed) {
      context.env.outgoing.destroy();
      return { response: RESPONSE_ALREADY_SENT, ...hidden };
    }
    served = { ...refusalOf(error), ...hidden };
  }
  if (actor !== undefined) {
    addRateLimit(served.response, world, actor);
    addScopes(served.response, actor);
  }
  return served;
}

function answerOrRefuse(
  world: World,
  context: ApiContext,
  actor: Actor | undefined,
  found: Match | undefined,
): Promise<Served> {
  return answer(world, context, actor, found)
    .then((response) => ({ response }))
    .catch(refusalOf);
}

function refusalOf(thrown: unknown): Served {
  const problem = toProblem(thrown);
  const response = refuse(problem);
  return problem.status >= 500 ? { response, error: String(thrown) } : { response };
}

async function answer(
  world: World,
  context: ApiContext,
  actor: Actor | undefined,
  found: Match | undefined,
): Promise<Response> {
  if (actor === undefined) {
    const offered = context.req.header("authorization") !== undefined;
    throw new Problem(401, offered ? "Bad credentials" : "Requires authentication");
  }
  const { primary, secondary } = world.limits;
  const free = found?.operation.path === RATE_LIMIT_PATH;
  if (!free && !primary.take(actor.login)) throw primaryExceeded(actor.login);
  const waitSeconds = secondary.begin(actor.login, isMutation(context.req.method));
  if (waitSeconds !== undefined) throw secondaryExceeded(waitSeconds);
  try {
    const response = await answerActor(world, context, actor, found);
    // As on GitHub an answer that told the client nothing new is not counted.
    if (response.status === 304 && !free) primary.giveBack(actor.login);
    return response;
  } finally {
    secondary.end(actor.login);
  }
}

async function answerActor(
  world: World,
  context: ApiContext,
  actor: Actor,
  found: Match | undefined,
): Promise<Response> {
  if (found === undefined) throw notServed(context.req.method, pathOf(context));
  const { operation } = found;
  if (operation.id.startsWith("apps/") !== (actor.means === "app")) {
    const isApp = actor.means === "app";
    throw new Problem(
      401,
      isApp ? "Requires authentication" : "A JSON web token could not be decoded",
    );
  }
  const parameters = decodeParameters(found);
  requireRepository(world, parameters, pathOf(context));
  const url = new URL(context.req.url);
  const request: ApiRequest<Record<string, string>> = {
    parameters,
    query: url.searchParams,
    body: operation.method === "GET" ? undefined : await readJson(context),
    actor,
    accept: context.req.header("accept") ?? "",
    // Links of pages name the address the forge is known by, whatever name it was called by.
    url: new URL(`${url.pathname}${url.search}`, world.links.origin),
  };
  return respond(await perform(operation, request, world), {
    ifNoneMatch: context.req.header("if-none-match"),
    cacheable: operation.method === "GET",
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
    await world.faults?.earlier.remember(repository);
    const result = await operation.handle(request, world);
    await followPulls(repository, request.actor.login);
    return result;
  });
}

async function readJson(context: ApiContext): Promise<unknown> {
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
function requireRepository(world: World, parameters: Record<string, string>, path: string): void {
  const { owner, name } = world.repository;
  const { owner: givenOwner = owner, repo: givenName = name } = parameters;
  if (world.formerNames.includes(givenName) && givenName !== name) {
    throw movedPermanently(world, path);
  }
  if (
    givenOwner.toLowerCase() !== owner.toLowerCase() ||
    givenName.toLowerCase() !== name.toLowerCase()
  ) {
    throw notFound();
  }
}

/** GitHub names the repository by its id where it sends a client on. */
function movedPermanently({ links, repository }: World, path: string): Problem {
  const rest = path.split("/").slice(4).join("/");
  const url = `${links.api}/repositories/${repository.meta.repositoryId}${rest === "" ? "" : `/${rest}`}`;
  return new Problem(301, "Moved Permanently", { headers: { Location: url } });
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

/** Classic tokens have scopes and say which; apps and fine-grained tokens do not. */
function addScopes(response: Response, actor: Actor): void {
  if (actor.administrator) response.headers.set("X-OAuth-Scopes", "repo");
}

function addRateLimit(response: Response, world: World, actor: Actor): void {
  const told = Object.entries(rateLimitHeaders(world.limits.primary.state(actor.login)));
  for (const [name, value] of told) {
    // A refusal may have said what it is about.
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
}

function isMutation(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** Below the API's own address, still encoded. */
function pathOf(context: ApiContext): string {
  return new URL(context.req.url).pathname.slice(API_PATH.length) || "/";
}

function record(
  { requestLog }: ApiOptions,
  context: ApiContext,
  actor: Actor | undefined,
  served: Served,
  faults: readonly Fault[],
): void {
  const { method } = context.req;
  requestLog.record({
    method,
    path: new URL(context.req.url).pathname,
    status: served.response === RESPONSE_ALREADY_SENT ? 0 : served.response.status,
    mutation: isMutation(method),
    actor: actor?.login ?? null,
    ...(served.error === undefined ? {} : { error: served.error }),
    ...(served.hidden === undefined ? {} : { hidden: served.hidden }),
    ...(faults.length === 0 ? {} : { faults: faults.map(({ kind }) => kind) }),
  });
}

async function toExchange(context: ApiContext, response: Response): Promise<Exchange> {
  const { method } = context.req;
  return {
    method,
    path: `${pathOf(context)}${new URL(context.req.url).search}`,
    accept: context.req.header("accept") ?? "",
    requestText: isMutation(method) ? await context.req.text() : "",
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    // The server drops the body of an answer to HEAD.
    responseText: method === "HEAD" ? "" : await response.clone().text(),
  };
}
