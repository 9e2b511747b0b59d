import type { IncomingMessage, ServerResponse } from "node:http";

import type { Actor, Authenticate } from "../actor.ts";
import type { Fault } from "../faults/fault.ts";
import { ConnectionClosed, disturbBefore } from "../faults/faults.ts";
import { followPulls } from "../follow-pulls.ts";
import { Problem } from "../problem.ts";
import type { Repository } from "../repository.ts";
import type { RequestLog } from "../request-log.ts";
import type { World } from "../world.ts";
import { serveByBackend } from "./backend.ts";
import { guardPush } from "./guard-push.ts";
import { readPushCommands } from "./push-commands.ts";

export interface SmartHttpOptions {
  world: World;
  authenticate: Authenticate;
  requestLog: RequestLog;
  hooks: string;
  /** A push that sends nothing for so long while it is received is ended: every other change waits for it. */
  stalledPushMs: number;
}

/** What stock git asks for, below the clone URL. */
const SERVICES = ["/info/refs", "/git-upload-pack", "/git-receive-pack"] as const;
type Service = (typeof SERVICES)[number];

/** The service a path asks for; undefined for paths that are not git's. */
export function gitService(repository: Repository, pathname: string): Service | undefined {
  const { owner, name } = repository;
  const lower = pathname.toLowerCase();
  const prefix = `/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`.toLowerCase();
  return SERVICES.find(
    (service) => lower === `${prefix}.git${service}` || lower === `${prefix}${service}`,
  );
}

/** Serves clone, fetch and push. Writes its own line into the request log. */
export async function serveGit(
  options: SmartHttpOptions,
  service: Service,
  url: URL,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const actor = options.authenticate(incoming.headers.authorization);
  const method = incoming.method ?? "";
  let faults: Fault[] = [];
  let status: number;
  try {
    if (actor === undefined) throw new Problem(401, "Requires authentication");
    checkRequest(service, url, incoming);
    // An answer of git's is on its way before it is complete: nothing can go wrong after it.
    const { login } = actor;
    const call = { method, path: url.pathname, operation: undefined, login };
    faults = options.world.faults?.plan.take(call) ?? [];
    await disturbBefore(faults, options.world, login);
    status =
      service === "/git-receive-pack"
        ? await receive(options, actor, incoming, outgoing)
        : await serveByBackend(
            {
              git: options.world.repository.git,
              path: service,
              query: url.searchParams.has("service")
                ? `service=${url.searchParams.get("service")}`
                : "",
              login: actor.login,
              prefix: Buffer.alloc(0),
              environment: {},
              configuration: {},
            },
            incoming,
            outgoing,
          );
  } catch (error) {
    const closed = error instanceof ConnectionClosed;
    const problem = error instanceof Problem ? error : new Problem(500, "Server Error");
    status = closed ? 0 : problem.status;
    if (closed) outgoing.destroy();
    else sendProblem(outgoing, problem);
  }
  options.requestLog.record({
    method,
    path: url.pathname,
    status,
    mutation: service === "/git-receive-pack",
    actor: actor?.login ?? null,
    ...(faults.length === 0 ? {} : { faults: faults.map(({ kind }) => kind) }),
  });
  outgoing.end();
}

function checkRequest(service: Service, url: URL, incoming: IncomingMessage): void {
  const asked = service === "/info/refs" ? url.searchParams.get("service") : service.slice(1);
  if (asked !== "git-upload-pack" && asked !== "git-receive-pack") {
    throw new Problem(403, "This forge speaks the smart protocol only.");
  }
  const method = service === "/info/refs" ? "GET" : "POST";
  if (incoming.method !== method) throw new Problem(405, `${service} takes ${method} only.`);
  const type = incoming.headers["content-type"];
  if (method === "POST" && type !== `application/x-${asked}-request`) {
    throw new Problem(415, `The body must be application/x-${asked}-request.`);
  }
  // Git never compresses a push, and a compressed one could not be looked at.
  if (service === "/git-receive-pack" && incoming.headers["content-encoding"] !== undefined) {
    throw new Problem(415, "A push must not be compressed.");
  }
}

/** A push is a change like any other: alone, and with pull requests up to date before and after. */
async function receive(
  { world, hooks, stalledPushMs }: SmartHttpOptions,
  actor: Actor,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<number> {
  const { repository } = world;
  const { prefix, commands } = await readPushCommands(incoming);
  return repository.mutex.run(async () => {
    await followPulls(repository, undefined);
    await world.faults?.earlier.remember(repository);
    const guard = await guardPush(repository, commands, hooks);
    endWhenStalled(incoming, outgoing, stalledPushMs);
    const status = await serveByBackend(
      {
        git: repository.git,
        path: "/git-receive-pack",
        query: "",
        login: actor.login,
        prefix,
        ...guard,
      },
      incoming,
      outgoing,
    );
    await followPulls(repository, actor.login);
    return status;
  });
}

/**
 * Ends the connection, and its git with it; once the push is received git may take its time. Who
 * sends a byte now and then is ended by node's own limit of five minutes for a request.
 */
function endWhenStalled(incoming: IncomingMessage, outgoing: ServerResponse, ms: number): void {
  if (incoming.readableEnded) return;
  incoming.setTimeout(ms, () => outgoing.destroy());
  incoming.once("end", () => incoming.setTimeout(0));
}

function sendProblem(outgoing: ServerResponse, problem: Problem): void {
  // Too late for a status: the client sees a broken answer, as it should.
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(problem.status, {
    "Content-Type": "text/plain; charset=utf-8",
    ...problem.headers,
    ...(problem.status === 401 ? { "WWW-Authenticate": 'Basic realm="jarvis-forge"' } : {}),
  });
  outgoing.write(`${problem.message}\n`);
}
