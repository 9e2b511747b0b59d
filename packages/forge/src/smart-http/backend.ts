import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { basename, dirname } from "node:path";
import type { Readable, Writable } from "node:stream";

import type { Git } from "../git/git.ts";
import { endOf, startGit } from "../git/start-git.ts";

type Backend = ChildProcessByStdio<Writable, Readable, null>;

export interface BackendRequest {
  git: Git;
  /** `/info/refs`, `/git-upload-pack` or `/git-receive-pack`. */
  path: string;
  query: string;
  login: string;
  /** Bytes already taken from the request. */
  prefix: Buffer;
  environment: Record<string, string>;
  configuration: Record<string, string>;
}

/**
 * Serves one request by `git http-backend`, streaming both ways, and resolves when git has ended.
 * The response's head and body are sent, its end is left to the caller, who has things to settle
 * before a client may believe that all is done. Answers the status that was sent.
 */
export async function serveByBackend(
  request: BackendRequest,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<number> {
  const child: Backend = await startGit(() =>
    spawn("git", ["http-backend"], {
      env: cgiEnvironment(request, incoming),
      stdio: ["pipe", "pipe", "ignore"],
    }),
  );
  const closed = endOf(child);
  // A client that goes away takes its git along: nothing may be half received for ever.
  const abandon = (): void => {
    child.kill("SIGTERM");
    child.stdin.destroy();
  };
  outgoing.once("close", abandon);
  // It may have gone while this request waited for its turn.
  if (outgoing.closed) abandon();
  child.stdin.on("error", () => undefined);
  child.stdin.write(request.prefix);
  incoming.pipe(child.stdin);
  try {
    const status = await sendAnswer(child, outgoing);
    await closed;
    return status;
  } finally {
    outgoing.off("close", abandon);
    incoming.unpipe(child.stdin);
  }
}

/** Only what git needs to know of the request; no header is handed on that it does not read. */
function cgiEnvironment(
  request: BackendRequest,
  incoming: IncomingMessage,
): Record<string, string> {
  const { GIT_DIR: directory = "", ...inherited } = request.git.environment;
  const { headers } = incoming;
  return {
    ...withConfiguration(inherited, request.configuration),
    ...request.environment,
    GIT_PROJECT_ROOT: dirname(directory),
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: `/${basename(directory)}${request.path}`,
    QUERY_STRING: request.query,
    REQUEST_METHOD: incoming.method ?? "GET",
    CONTENT_TYPE: headers["content-type"] ?? "",
    REMOTE_USER: request.login,
    REMOTE_ADDR: "127.0.0.1",
    ...(headers["content-length"] === undefined
      ? {}
      : { CONTENT_LENGTH: headers["content-length"] }),
    ...(headers["content-encoding"] === undefined
      ? {}
      : { HTTP_CONTENT_ENCODING: headers["content-encoding"] }),
    ...(typeof headers["git-protocol"] === "string"
      ? { GIT_PROTOCOL: headers["git-protocol"] }
      : {}),
  };
}

/** Later entries win over the ones every git of the forge gets. */
function withConfiguration(
  environment: Record<string, string>,
  configuration: Record<string, string>,
): Record<string, string> {
  const result = { ...environment };
  let count = Number(result["GIT_CONFIG_COUNT"] ?? 0);
  for (const [key, value] of Object.entries(configuration)) {
    result[`GIT_CONFIG_KEY_${count}`] = key;
    result[`GIT_CONFIG_VALUE_${count}`] = value;
    count += 1;
  }
  result["GIT_CONFIG_COUNT"] = String(count);
  return result;
}

/** A CGI answer: header lines, an empty line, the body. */
async function sendAnswer(child: Backend, outgoing: ServerResponse): Promise<number> {
  let head: Buffer = Buffer.alloc(0);
  let status = 0;
  for await (const chunk of child.stdout) {
    if (status !== 0) {
      // What git says to a client that has gone is read all the same, or git would not end.
      if (!outgoing.write(chunk) && !outgoing.closed)
        await Promise.race([once(outgoing, "drain"), once(outgoing, "close")]);
      continue;
    }
    head = Buffer.concat([head, chunk as Buffer]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) continue;
    const headers = parseHeaders(head.toString("latin1", 0, end));
    status = Number.parseInt(headers.get("status") ?? "200", 10);
    headers.delete("status");
    outgoing.writeHead(status, Object.fromEntries(headers));
    outgoing.write(head.subarray(end + 4));
  }
  if (status !== 0) return status;
  outgoing.writeHead(500, { "Content-Type": "text/plain" });
  return 500;
}

function parseHeaders(head: string): Map<string, string> {
  const lines = head.split("\r\n").map((line) => line.split(/:\s*/u, 2));
  return new Map(lines.map(([name = "", value = ""]) => [name.toLowerCase(), value]));
}
