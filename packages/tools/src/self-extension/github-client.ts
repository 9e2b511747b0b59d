import { Octokit } from "@octokit/rest";
import { throttling } from "@octokit/plugin-throttling";
import { fixedToken, type HostCredentials } from "./host-credentials.ts";
import { hostProblem, RepositoryMoved, statusOf, type HostProblem } from "./host-problem.ts";

export interface GitHubConnection {
  readonly apiUrl: string;
  /** A token, or what hands out the one that is good now. */
  readonly token: string | HostCredentials;
  /** True for GitHub itself, where requests are throttled; the local forge needs no politeness. */
  readonly remote: boolean;
}

/**
 * An Octokit for one repository host. Nothing is retried by the client: a repeated POST is a second
 * effect, so repetition is decided in `once.ts`, after reading back, and a rate limit is waited for
 * by a parked run, never by a worker. A 401 took no effect: where another credential is to be had
 * the request is sent once more. A redirect is never followed: it names another repository.
 */
export function makeOctokit(connection: GitHubConnection): Octokit {
  const { token } = connection;
  const options = {
    baseUrl: connection.apiUrl,
    userAgent: "jarvis",
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    request: { redirect: "manual" as const },
    authStrategy: signRequests,
    auth: typeof token === "string" ? fixedToken(token) : token,
  };
  if (!connection.remote) return new Octokit(options);
  const Throttled = Octokit.plugin(throttling);
  return new Throttled({
    ...options,
    throttle: { onRateLimit: () => false, onSecondaryRateLimit: () => false },
  });
}

/** What answers later hangs; an upload of a large file to a distant host may take a while. */
const READ_LIMIT_MS = 30_000;
const CHANGE_LIMIT_MS = 120_000;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** What the hook looks at of a request and its answer. */
interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly request?: object;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
}
interface HostResponse {
  readonly status: number;
}

/** How Octokit has requests signed: its hook is nearer to the request than any other. */
function signRequests(credentials: HostCredentials) {
  async function hook<R extends HostResponse>(
    request: (options: SentRequest) => Promise<R>,
    options: SentRequest,
  ): Promise<R> {
    // What an app signs itself is no token's business.
    if (options.headers["authorization"] !== undefined) return await request(options);
    const send = async (token: string): Promise<R> => {
      const headers = { ...options.headers, authorization: `token ${token}` };
      const limitMs = options.method === "GET" ? READ_LIMIT_MS : CHANGE_LIMIT_MS;
      const within = { signal: AbortSignal.timeout(limitMs), ...options.request };
      const response = await request({ ...options, headers, request: within });
      if (REDIRECTS.has(response.status)) throw new RepositoryMoved(response.status, options.url);
      return response;
    };
    const token = await credentials.token();
    try {
      return await send(token);
    } catch (error) {
      if (statusOf(error) !== 401 || !(await credentials.refused(token))) throw error;
      return await send(await credentials.token());
    }
  }
  return Object.assign(async () => await Promise.resolve({ type: "token" }), { hook });
}

export type GitHubAnswer<T> =
  | { readonly answered: true; readonly value: T }
  | { readonly answered: false; readonly problem: HostProblem };

/**
 * Runs reads or effects that need GitHub; what keeps the host from being worked with comes back as a
 * value, since it is expected and parks the run. Anything else is thrown.
 */
export async function whenGitHubAnswers<T>(work: () => Promise<T>): Promise<GitHubAnswer<T>> {
  try {
    return { answered: true, value: await work() };
  } catch (error) {
    const problem = hostProblem(error);
    if (problem === null) throw error;
    return { answered: false, problem };
  }
}

function quiet(): void {
  // Octokit logs deprecations and retries to the console; errors reach the ledger instead.
}
