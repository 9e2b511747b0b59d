import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import type { CliConfig } from "../config.ts";
import { isToken, kernelAt, needKernel, type KernelClient } from "../kernel-client.ts";
import { CommandError, exitCodes } from "../outcome.ts";
import { makeMcpServer } from "./mcp-server.ts";

/** Patches are up to 32 MiB, and JSON makes them longer. */
const BODY_BYTES = 48 * 2 ** 20;

export interface McpOptions {
  /** Holds the agent's token, as `jarvis token add` printed it. */
  readonly tokenFile?: string;
  /** Serve streamable HTTP on this port of 127.0.0.1 instead of standard input and output. */
  readonly http?: number;
}

/**
 * Serves MCP until whoever started it goes away. Over standard streams the agent is whose token is in
 * the file; over HTTP each request brings the token of its agent, and the server itself holds none.
 */
export async function serveMcp(config: CliConfig, options: McpOptions): Promise<void> {
  if (options.http !== undefined) {
    await needKernel(config);
    const address = await serveHttp(config, options.http);
    process.stderr.write(`jarvis: MCP at ${address}\n`);
    return;
  }
  const token = readToken(config, options.tokenFile);
  const { url } = await needKernel(config);
  const kernel = kernelAt(config, { url, token });
  // Refused now rather than at the first request, where an agent would have to explain it.
  await makeMcpServer(kernel);
  serveStdio(async () => await makeMcpServer(kernel));
}

function readToken(config: CliConfig, named: string | undefined): string {
  const file = named ?? config.environment["JARVIS_TOKEN_FILE"];
  if (file === undefined || file === "") {
    throw new CommandError(
      exitCodes.unreadable,
      "token-missing",
      "Name the agent's token with --token-file FILE; `jarvis token add NAME --role propose` makes one.",
    );
  }
  try {
    const token = readFileSync(file, "utf8").trim();
    if (isToken(token)) return token;
  } catch (cause) {
    throw new CommandError(
      exitCodes.unreadable,
      "token-missing",
      `The token file ${file} cannot be read; \`jarvis token add NAME --role propose\` makes a token.`,
      { cause },
    );
  }
  throw new CommandError(
    exitCodes.unreadable,
    "token-malformed",
    `The file ${file} holds no token of Jarvis; \`jarvis token add NAME --role propose\` makes one.`,
  );
}

async function serveHttp(config: CliConfig, port: number): Promise<string> {
  // Asked for each request: a kernel that was started again may listen somewhere else.
  const kernelFor = async (token: string): Promise<KernelClient> =>
    kernelAt(config, { url: (await needKernel(config)).url, token });
  const handler = createMcpHandler(
    async ({ requestInfo }) => await makeMcpServer(await kernelFor(tokenOf(requestInfo) ?? "")),
    { maxRequestBodySize: BODY_BYTES },
  );
  const server = createAdaptorServer({
    async fetch(request: Request) {
      const foreign =
        hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins());
      if (foreign !== undefined) return foreign;
      if (new URL(request.url).pathname !== "/mcp")
        return new Response("not found", { status: 404 });
      const token = tokenOf(request);
      const refused = token === null ? nobody() : await refusalOf(async () => kernelFor(token));
      return refused ?? (await handler.fetch(request));
    },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(unusable(port, error)));
    server.listen(port, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

function unusable(port: number, cause: NodeJS.ErrnoException): Error {
  const whys: Record<string, string> = { EADDRINUSE: "is taken", EACCES: "needs more rights" };
  const why = whys[cause.code ?? ""];
  if (why === undefined) return cause;
  const sentence = `Port ${port} ${why}; choose another with --http PORT, or 0 for any.`;
  return new CommandError(exitCodes.unreadable, "port-unusable", sentence, { cause });
}

function tokenOf(request: Request | undefined): string | null {
  return /^Bearer +(\S+)$/i.exec(request?.headers.get("authorization") ?? "")?.[1] ?? null;
}

function nobody(): Response {
  const headers = { "www-authenticate": "Bearer" };
  return new Response("send a token of Jarvis as a bearer token", { status: 401, headers });
}

/** Why whoever has this token is not let in now; null where the kernel knows it. */
async function refusalOf(find: () => Promise<KernelClient>): Promise<Response | null> {
  try {
    await (await find()).get("/api/whoami", z.unknown());
    return null;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.code === "unauthorized") return nobody();
    // Not the token's fault: the agent may come back with the same one.
    const status = error.code === "too-many-failures" ? 429 : 503;
    return new Response(error.message, { status, headers: { "retry-after": "5" } });
  }
}
