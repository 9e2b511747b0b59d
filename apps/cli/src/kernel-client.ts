import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { CliConfig } from "./config.ts";
import { messagesOf, type StreamMessage } from "./event-stream.ts";
import { searchKernel, type SearchProblem } from "./kernel-search.ts";
import { CommandError, exitCodes } from "./outcome.ts";

const refused = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** So often a request is made that did not reach a kernel, or only asked it something. */
const ATTEMPTS = 5;
const ANSWER_MS = 30_000;
/** A pause drains for so long as it is asked to, and then asks the host some ten times. */
const PAUSE_MS = 120_000;
/** What fetches, builds or starts something first. The client itself gives up after five minutes. */
const WORK_MS = 290_000;
const limits: readonly (readonly [RegExp, number])[] = [
  [/^\/api\/self-extension\/promotion$/, PAUSE_MS],
  [/^\/api\/(?:rollback|accept|recover|takeover)$/, WORK_MS],
  [/^\/api\/actions\/\d+\/approve$/, WORK_MS],
  [/^\/api\/tools\/[^/]+\/call$/, WORK_MS],
];

/** How long the kernel may take to answer before it counts as one that does not. */
export function answerLimitMs(path: string): number {
  return limits.find(([route]) => route.test(path))?.[1] ?? ANSWER_MS;
}

/** A running kernel of this state directory, reached over its HTTP API. */
export interface KernelClient {
  readonly url: string;
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
  /** What the kernel tells as it happens, until the connection ends. */
  listen(path: string): AsyncGenerator<StreamMessage>;
}

/** Whose token a command speaks with: the operator's, or that of who approves. */
type TokenFile = "token" | "approver-token";

/** The kernel of the state directory, or null where none answers within two seconds. */
export async function findKernel(
  config: CliConfig,
  tokenFile: TokenFile = "token",
): Promise<KernelClient | null> {
  return (await lookForKernel(config, tokenFile)).kernel;
}

/** The same, with what keeps a kernel that runs from being asked. */
export async function lookForKernel(
  config: CliConfig,
  tokenFile: TokenFile = "token",
): Promise<
  | { readonly kernel: KernelClient; readonly problem: null }
  | { readonly kernel: null; readonly problem: SearchProblem | null }
> {
  const search = await searchKernel(config);
  if (search.place === null) return { kernel: null, problem: search.problem };
  const { url } = search.place;
  const token = tokenFile === "token" ? search.place.token : readTokenFile(config, tokenFile);
  return { kernel: kernelAt(config, { url, token }), problem: null };
}

/** A kernel that was found, asked with somebody's token. */
export function kernelAt(
  config: CliConfig,
  { url, token }: { readonly url: string; readonly token: string },
): KernelClient {
  const ask = async <T>(path: string, init: RequestInit, schema: z.ZodType<T>): Promise<T> =>
    await request({ config, url, token }, path, init, schema);
  return {
    url,
    get: async (path, schema) => await ask(path, { method: "GET" }, schema),
    post: async (path, body, schema) =>
      await ask(path, { method: "POST", body: JSON.stringify(body) }, schema),
    async *listen(path) {
      // A kernel that moved to another release listens somewhere else.
      const at = (await searchKernel(config)).place?.url ?? url;
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${at}${path}`, { headers, redirect: "error" }).catch(
        () => null,
      );
      if (response === null) {
        throw new CommandError(
          exitCodes.unavailable,
          "kernel-unreachable",
          `The kernel at ${at} does not answer; \`jarvis status\` tells how it is.`,
        );
      }
      if (!response.ok) throw refusalOf(response.status, await response.json().catch(() => null));
      // What breaks off is an end: whoever listens asks again from where they are.
      if (response.body !== null) yield* untilItBreaks(messagesOf(response.body));
    },
  };
}

async function* untilItBreaks(messages: AsyncGenerator<StreamMessage>) {
  try {
    yield* messages;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Whether a text can be a token at all: others do not even fit into a request. */
export function isToken(text: string): boolean {
  return /^[\w-]+$/.test(text);
}

function readTokenFile(config: CliConfig, name: TokenFile): string {
  const path = join(config.stateDir, name);
  try {
    const token = readFileSync(path, "utf8").trim();
    if (isToken(token)) return token;
  } catch {
    // Said below.
  }
  throw new CommandError(
    exitCodes.refused,
    "token-missing",
    `The file ${path} holds no token that can be read; a start of the kernel makes it anew.`,
  );
}

async function request<T>(
  kernel: { config: CliConfig; url: string; token: string },
  path: string,
  init: RequestInit,
  schema: z.ZodType<T>,
): Promise<T> {
  const { response, body } = await exchange(kernel, path, init);
  if (!response.ok) throw refusalOf(response.status, body);
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new CommandError(
    exitCodes.unavailable,
    "unexpected-answer",
    `The kernel at ${kernel.url} answers ${path} in another form than this command knows; build both anew and start the kernel again.`,
    { cause: parsed.error },
  );
}

/**
 * One request and its answer. A kernel that moved to another release is asked again, where nothing
 * can happen twice: the request was not taken, or only reads.
 */
async function exchange(
  { config, url: first, token }: { config: CliConfig; url: string; token: string },
  path: string,
  init: RequestInit,
): Promise<{ response: Response; body: unknown }> {
  let url = first;
  const limitMs = answerLimitMs(path);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        signal: AbortSignal.timeout(limitMs),
        redirect: "error",
      });
      return { response, body: await response.json() };
    } catch (cause) {
      const isCut = init.method === "GET" && !isTimeout(cause);
      const mayRepeat = attempt < ATTEMPTS && (isCut || isRefused(cause));
      const again = mayRepeat ? (await searchKernel(config)).place : null;
      if (again === null) {
        throw new CommandError(
          exitCodes.unavailable,
          "kernel-unreachable",
          isTimeout(cause)
            ? `The kernel at ${url} did not answer ${path} within ${limitMs / 1000} s, and may be doing it still; \`jarvis status\` tells how it is.`
            : `The kernel at ${url} did not answer ${path}; \`jarvis status\` tells how it is.`,
          { cause },
        );
      }
      ({ url } = again);
    }
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

/** Whether nobody listened, so that nothing was taken. */
function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}

/** The running kernel; where there is none the command ends with what to do. */
export async function needKernel(
  config: CliConfig,
  tokenFile: TokenFile = "token",
): Promise<KernelClient> {
  const { kernel, problem } = await lookForKernel(config, tokenFile);
  if (kernel !== null) return kernel;
  if (problem !== null) {
    const { code, what, mend } = problem;
    throw new CommandError(
      exitCodes.unavailable,
      code,
      `The kernel runs and cannot be asked: ${what}; ${mend}.`,
    );
  }
  throw new CommandError(
    exitCodes.unavailable,
    "kernel-not-running",
    `No kernel answers for ${config.stateDir}; start one with \`jarvis up\`.`,
  );
}

/**
 * Asks the kernel, and the database itself where no kernel answers: whoever turns a switch must not
 * have to wait for a program that is wedged.
 */
export async function kernelOr<T>(
  config: CliConfig,
  ask: (kernel: KernelClient) => Promise<T>,
  otherwise: (problem: SearchProblem | null) => Promise<T>,
): Promise<T> {
  const { kernel, problem } = await lookForKernel(config);
  if (kernel === null) return await otherwise(problem);
  try {
    return await ask(kernel);
  } catch (error) {
    if (error instanceof CommandError && error.code === "kernel-unreachable") {
      return await otherwise(null);
    }
    throw error;
  }
}

function refusalOf(status: number, body: unknown): CommandError {
  const parsed = refused.safeParse(body);
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
