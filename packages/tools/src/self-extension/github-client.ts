import { Octokit } from "@octokit/rest";
import { throttling } from "@octokit/plugin-throttling";
import { SelfExtensionError } from "./errors.ts";

export interface GitHubConnection {
  readonly apiUrl: string;
  readonly token: string;
  /** True for GitHub itself, where requests are throttled; the local forge needs no politeness. */
  readonly remote: boolean;
}

/**
 * An Octokit for one repository host. Nothing is retried by the client: a repeated POST is a second
 * effect, so repetition is decided in `once.ts`, after reading back.
 */
export function makeOctokit(connection: GitHubConnection): Octokit {
  const options = {
    baseUrl: connection.apiUrl,
    auth: connection.token,
    userAgent: "jarvis",
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  };
  if (!connection.remote) return new Octokit(options);
  const Throttled = Octokit.plugin(throttling);
  return new Throttled({
    ...options,
    throttle: {
      // A primary or secondary limit refuses before anything happened, so a GET may wait and repeat.
      onRateLimit: (_after, request, _octokit, retries) => request.method === "GET" && retries < 2,
      onSecondaryRateLimit: (_after, request, _octokit, retries) =>
        request.method === "GET" && retries < 2,
    },
  });
}

export type GitHubAnswer<T> =
  | { readonly answered: true; readonly value: T }
  | { readonly answered: false; readonly problem: string };

/**
 * Runs reads or effects that need GitHub; "not there" and "not allowed" come back as a value, since
 * both are expected and park the run. Anything else is thrown.
 */
export async function whenGitHubAnswers<T>(work: () => Promise<T>): Promise<GitHubAnswer<T>> {
  try {
    return { answered: true, value: await work() };
  } catch (error) {
    const problem = connectionProblem(error);
    if (problem === null) throw error;
    return { answered: false, problem };
  }
}

/** The sentence for an error that means "no connection"; null for any other error. */
export function connectionProblem(error: unknown): string | null {
  const status = statusOf(error);
  if (status === 401 || status === 403) {
    return `The repository host refused the credentials (${status}); check the token and what it may do.`;
  }
  if (status === 429 || (status !== null && status >= 500)) {
    return `The repository host does not serve requests right now (${status}).`;
  }
  const text = error instanceof Error ? `${error.message} ${causeText(error)}` : "";
  const isGit = error instanceof SelfExtensionError && error.code === "git-failed";
  if (isGit && /Authentication failed|returned error: 40[13]/.test(text)) {
    return "The repository host refused git's credentials; check the token.";
  }
  if (
    /ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|UND_ERR|fetch failed|other side closed/.test(
      text,
    ) ||
    (isGit &&
      /Could not resolve|Failed to connect|unable to access|Connection refused|Empty reply|git fetch did not end/i.test(
        text,
      ))
  ) {
    return "The repository host cannot be reached.";
  }
  return null;
}

/** The HTTP status of an Octokit error; null where there was no response. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("status" in error)) return null;
  // Octokit gives network errors the status 500 with no response.
  if (!("response" in error) || error.response === undefined) return null;
  return typeof error.status === "number" ? error.status : null;
}

function causeText(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error)) return "";
  const code = "code" in cause ? String(cause.code) : "";
  return `${cause.message} ${code}`;
}

function quiet(): void {
  // Octokit logs deprecations and retries to the console; errors reach the ledger instead.
}
