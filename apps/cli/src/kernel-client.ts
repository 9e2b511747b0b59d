import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { CliConfig } from "./config.ts";
import { CommandError, exitCodes } from "./outcome.ts";

const facts = z.object({ pid: z.number().int(), url: z.url() });
const problem = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const alive = z.object({ proof: z.string() });

const LOOK_MS = 2000;
const ANSWER_MS = 30_000;

/** A running kernel of this state directory, reached over its HTTP API. */
export interface KernelClient {
  readonly url: string;
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
}

/** Whose token a command speaks with: the operator's, or that of who approves. */
type TokenFile = "token" | "approver-token";

/** The kernel of the state directory, or null where none answers within two seconds. */
export async function findKernel(
  config: CliConfig,
  tokenFile: TokenFile = "token",
): Promise<KernelClient | null> {
  let url: string;
  let known: string;
  try {
    url = facts.parse(JSON.parse(readFileSync(join(config.stateDir, "kernel.json"), "utf8"))).url;
    known = readFileSync(join(config.stateDir, "token"), "utf8").trim();
    if (!(await hasToken(url, known))) return null;
  } catch {
    return null;
  }
  const token = tokenFile === "token" ? known : readTokenFile(config, tokenFile);
  return {
    url,
    get: async (path, schema) => await request({ url, token }, path, { method: "GET" }, schema),
    post: async (path, body, schema) =>
      await request({ url, token }, path, { method: "POST", body: JSON.stringify(body) }, schema),
  };
}

function readTokenFile(config: CliConfig, name: TokenFile): string {
  const path = join(config.stateDir, name);
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new CommandError(
      exitCodes.refused,
      "token-missing",
      `The token ${path} cannot be read; a start of the kernel makes it anew.`,
      { cause },
    );
  }
}

/**
 * Whether our kernel is who listens there. What a killed kernel wrote down may be the port of another
 * program by now, which must neither be believed nor get the token.
 */
async function hasToken(url: string, token: string): Promise<boolean> {
  const challenge = randomBytes(16).toString("base64url");
  const response = await fetch(`${url}/healthz?challenge=${challenge}`, {
    signal: AbortSignal.timeout(LOOK_MS),
    redirect: "error",
  });
  if (!response.ok) return false;
  const given = Buffer.from(alive.parse(await response.json()).proof);
  const wanted = Buffer.from(
    createHmac("sha256", token).update(`jarvis-kernel:${challenge}`).digest("base64url"),
  );
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function request<T>(
  { url, token }: { url: string; token: string },
  path: string,
  init: RequestInit,
  schema: z.ZodType<T>,
): Promise<T> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(ANSWER_MS),
      redirect: "error",
    });
    body = await response.json();
  } catch (cause) {
    throw new CommandError(
      exitCodes.unavailable,
      "kernel-unreachable",
      `The kernel at ${url} did not answer ${path}; \`jarvis status\` tells how it is.`,
      { cause },
    );
  }
  if (!response.ok) throw refusalOf(response.status, body);
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new CommandError(
    exitCodes.unavailable,
    "unexpected-answer",
    `The kernel at ${url} answers ${path} in another form than this command knows; build both anew and start the kernel again.`,
    { cause: parsed.error },
  );
}

/** The running kernel; where there is none the command ends with what to do. */
export async function needKernel(
  config: CliConfig,
  tokenFile: TokenFile = "token",
): Promise<KernelClient> {
  const kernel = await findKernel(config, tokenFile);
  if (kernel !== null) return kernel;
  throw new CommandError(
    exitCodes.unavailable,
    "kernel-not-running",
    `No kernel answers for ${config.stateDir}; start one with \`pnpm jarvis up\`.`,
  );
}

/**
 * Asks the kernel, and the database itself where no kernel answers: whoever turns a switch must not
 * have to wait for a program that is wedged.
 */
export async function kernelOr<T>(
  config: CliConfig,
  ask: (kernel: KernelClient) => Promise<T>,
  otherwise: () => Promise<T>,
): Promise<T> {
  const kernel = await findKernel(config);
  if (kernel === null) return await otherwise();
  try {
    return await ask(kernel);
  } catch (error) {
    if (error instanceof CommandError && error.code === "kernel-unreachable") {
      return await otherwise();
    }
    throw error;
  }
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
