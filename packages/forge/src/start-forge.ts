import type { IncomingMessage, ServerResponse } from "node:http";
import { resolve } from "node:path";

import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";

import { createAuthenticate, withoutApp } from "./actor.ts";
import { openApp, type AppOptions } from "./app/app.ts";
import { createApi } from "./api/create-api.ts";
import { CONTROL_PATH, createControl } from "./faults/control-route.ts";
import { Faults } from "./faults/faults.ts";
import { openDirectory } from "./directory.ts";
import { followPulls } from "./follow-pulls.ts";
import { closeServer, listen } from "./http-server.ts";
import { createRateLimits, type RateLimitOptions } from "./limits/rate-limits.ts";
import { MergeabilityCache } from "./mergeability.ts";
import { createPages } from "./pages/create-pages.ts";
import type { Problem } from "./problem.ts";
import { API_PATH, createLinks } from "./render/links.ts";
import { openRepository } from "./repository.ts";
import { guardRequest } from "./request-guard.ts";
import { openRequestLog, type RequestLog } from "./request-log.ts";
import { gitService, serveGit, type SmartHttpOptions } from "./smart-http/smart-http.ts";
import { writeHooks } from "./smart-http/guard-push.ts";
import type { World } from "./world.ts";

export interface ForgeOptions {
  /** Made with mode 0700: `repository.git`, the tokens, the port, `requests.ndjson`. */
  directory: string;
  owner: string;
  repository: string;
  /** "main" unless told. */
  defaultBranch?: string | undefined;
  /** Where the history comes from when the repository is new. Only read. */
  seed?: { gitDirectory: string; commit: string } | undefined;
  /** Preferred. Busy: the next free one. Kept in the directory, so that URLs stay good. */
  port?: number | undefined;
  /** For the default branch of a new repository; see `DEFAULT_STATUSES` unless told. */
  protection?: { requiredStatuses: string[] } | undefined;
  /** Where git is looked for; the usual places unless told. */
  executablePath?: string | undefined;
  /** GitHub's primary limit and a hundred times its secondary ones unless told. */
  rateLimits?: RateLimitOptions | undefined;
  /** A GitHub App, so that a client can sign in as one. */
  app?: AppOptions | undefined;
  /** Names that the repository had before: requests to them are redirected, as after a rename on GitHub. */
  formerNames?: readonly string[] | undefined;
  /** How long a push may send nothing while it is received; 30 seconds unless told. */
  stalledPushMs?: number | undefined;
  /** Opens the route by which a test orders what is to go wrong. Never for a forge that is used. */
  faults?: boolean | undefined;
}

/** A running forge. */
export interface Forge {
  /** Octokit's `baseUrl`. */
  apiUrl: string;
  /** For a browser. */
  webUrl: string;
  /** For git, with the token as password. */
  cloneUrl: string;
  /** The pipeline's, who is `jarvis[bot]`. */
  token: string;
  tokenFile: string;
  /** A person's, who is `operator` and may change branch protection. */
  operatorToken: string;
  operatorTokenFile: string;
  port: number;
  requestLog: string;
  /** Where the operator orders faults; undefined unless the forge was started for that. */
  controlUrl: string | undefined;
  /** Finishes the change that is being made, then gives port and directory free. */
  close(): Promise<void>;
}

/** What Jarvis says of a commit: that it passed the sandbox, and that it may land now. */
const DEFAULT_STATUSES = ["jarvis/sandbox", "jarvis/promotion"];

// On loopback; git sends a pack as it makes it, and is asked for nothing meanwhile.
const STALLED_PUSH_MS = 30_000;

/** Starts a GitHub-compatible forge on loopback over a bare repository of its own. */
export async function startForge(options: ForgeOptions): Promise<Forge> {
  const directory = await openDirectory(resolve(options.directory));
  try {
    const repository = await openRepository({
      directory: directory.path,
      owner: options.owner,
      name: options.repository,
      defaultBranch: options.defaultBranch ?? "main",
      seed: options.seed,
      requiredStatuses: options.protection?.requiredStatuses ?? DEFAULT_STATUSES,
      executablePath: options.executablePath,
    });
    // What a killed forge did not get to write down.
    await followPulls(repository, undefined);
    const hooks = await writeHooks(directory.path);
    const requestLog = openRequestLog(directory.requestLog);
    const app = options.app === undefined ? undefined : openApp(options.app);
    const authenticate = createAuthenticate(
      { pipeline: directory.token, operator: directory.operatorToken },
      app,
    );
    const { server, port } = await listen(directory.wantedPorts(options.port));
    await directory.rememberPort(port, options.port);
    const links = createLinks(options.owner, options.repository, port);
    const world: World = {
      repository,
      links,
      mergeability: new MergeabilityCache(repository),
      limits: createRateLimits(options.rateLimits),
      app,
      formerNames: options.formerNames ?? [],
      faults: options.faults === true ? new Faults() : undefined,
    };
    server.on(
      "request",
      createListener(
        {
          world,
          authenticate: withoutApp(authenticate),
          requestLog,
          hooks,
          stalledPushMs: options.stalledPushMs ?? STALLED_PUSH_MS,
        },
        createApp(world, { authenticate, requestLog }),
        port,
      ),
    );
    let closing: Promise<void> | undefined;
    return {
      apiUrl: links.api,
      webUrl: links.web,
      cloneUrl: links.clone,
      token: directory.token,
      tokenFile: directory.tokenFile,
      operatorToken: directory.operatorToken,
      operatorTokenFile: directory.operatorTokenFile,
      port,
      requestLog: directory.requestLog,
      controlUrl: options.faults === true ? `${links.origin}${CONTROL_PATH}` : undefined,
      close() {
        // Once: a second time would give free what is another forge's by then.
        closing ??= (async () => {
          await closeServer(server, () => repository.mutex.run(async () => undefined));
          await repository.git.end();
          requestLog.close();
          await directory.release();
        })();
        return closing;
      },
    };
  } catch (error) {
    await directory.release();
    throw error;
  }
}

function createApp(
  world: World,
  rest: Pick<SmartHttpOptions, "authenticate" | "requestLog">,
): Hono<{ Bindings: HttpBindings }> {
  const api = createApi({ world, ...rest });
  const signedIn = withoutApp(rest.authenticate);
  const pages = createPages({ world, ...rest, authenticate: signedIn });
  const app = new Hono<{ Bindings: HttpBindings }>();
  if (world.faults !== undefined) {
    const control = createControl(world.faults, world.limits, signedIn);
    app.all(CONTROL_PATH, (context) => control.fetch(context.req.raw, context.env));
  }
  app.all(`${API_PATH}/*`, (context) => api.fetch(context.req.raw, context.env));
  app.all(API_PATH, (context) => api.fetch(context.req.raw, context.env));
  app.all("*", (context) => pages.fetch(context.req.raw, context.env));
  return app;
}

/** Git's own protocol streams and goes to git; everything else goes to the app. */
function createListener(
  git: SmartHttpOptions,
  app: Hono<{ Bindings: HttpBindings }>,
  port: number,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const toApp = getRequestListener(app.fetch);
  return (incoming, outgoing) => {
    const refused = guardRequest(incoming.headers, port);
    if (refused !== undefined) {
      sendRefusal(git.requestLog, refused, incoming, outgoing);
      return;
    }
    const url = new URL(incoming.url ?? "/", `http://127.0.0.1:${port}`);
    const service = gitService(git.world.repository, url.pathname);
    const served =
      service === undefined
        ? toApp(incoming, outgoing)
        : serveGit(git, service, url, incoming, outgoing);
    // Both answer their own failures; what is left is a connection that broke.
    served.catch(() => outgoing.destroy());
  };
}

function sendRefusal(
  requestLog: RequestLog,
  problem: Problem,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  requestLog.record({
    method: incoming.method ?? "",
    path: incoming.url?.split("?", 1)[0] ?? "",
    status: problem.status,
    mutation: incoming.method !== "GET" && incoming.method !== "HEAD",
    actor: null,
  });
  // The rest of a body that nobody will read is not waited for.
  outgoing.writeHead(problem.status, { "Content-Type": "application/json", Connection: "close" });
  outgoing.end(JSON.stringify(problem.toBody()));
}
