import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { CliConfig } from "./config.ts";
import { CommandError, exitCodes } from "./outcome.ts";

const facts = z.object({ pid: z.number().int(), url: z.url() });
const problem = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** A running kernel of this state directory, reached over its HTTP API. */
export interface KernelClient {
  readonly url: string;
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
}

/** The kernel of the state directory, or null where none answers within two seconds. */
export async function findKernel(config: CliConfig): Promise<KernelClient | null> {
  const path = join(config.stateDir, "kernel.json");
  let url: string;
  let token: string;
  try {
    url = facts.parse(JSON.parse(readFileSync(path, "utf8"))).url;
    token = readFileSync(join(config.stateDir, "token"), "utf8").trim();
    const alive = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) });
    if (!alive.ok) return null;
  } catch {
    return null;
  }
  const request = async <T>(path: string, init: RequestInit, schema: z.ZodType<T>): Promise<T> => {
    let response: Response;
    try {
      response = await fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        signal: AbortSignal.timeout(30_000),
      });
    } catch (cause) {
      throw new CommandError(
        exitCodes.unavailable,
        "kernel-unreachable",
        `The kernel at ${url} did not answer ${path}; \`jarvis status\` tells how it is.`,
        { cause },
      );
    }
    const body: unknown = await response.json();
    if (!response.ok) throw refusalOf(response.status, body);
    return schema.parse(body);
  };
  return {
    url,
    get: async (path, schema) => await request(path, { method: "GET" }, schema),
    post: async (path, body, schema) =>
      await request(path, { method: "POST", body: JSON.stringify(body) }, schema),
  };
}

/** The running kernel; where there is none the command ends with what to do. */
export async function needKernel(config: CliConfig): Promise<KernelClient> {
  const kernel = await findKernel(config);
  if (kernel !== null) return kernel;
  throw new CommandError(
    exitCodes.unavailable,
    "kernel-not-running",
    `No kernel runs for ${config.stateDir}; start one with \`pnpm jarvis up\`.`,
  );
}

function refusalOf(status: number, body: unknown): CommandError {
  const parsed = problem.safeParse(body);
  const { code, message } = parsed.success
    ? parsed.data.error
    : { code: "unexpected-answer", message: `The kernel answered ${status} and no reason.` };
  const exitCode =
    status === 400 || status === 413
      ? exitCodes.unreadable
      : status >= 500
        ? exitCodes.unavailable
        : exitCodes.refused;
  return new CommandError(exitCode, code, message);
}
