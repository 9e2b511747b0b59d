import { SelfExtensionError } from "./errors.ts";

/** Why the repository host cannot be worked with now; all of these park the run. */
export type HostReason =
  | "github-not-connected"
  | "rate-budget-low"
  | "repository-identity-changed"
  | "repository-owned";

export interface HostProblem {
  readonly reason: HostReason;
  /** One sentence for a person. */
  readonly detail: string;
  /** Before this the host need not be asked again; null where it does not say. */
  readonly retryAt: Date | null;
}

/** The host answered with a redirect: what was asked for has another name now. */
export class RepositoryMoved extends Error {
  override readonly name = "RepositoryMoved";

  constructor(status: number, url: string) {
    super(`The repository host redirects (${status}) from ${url}: the repository was renamed.`);
  }
}

/** A credential that is configured cannot be had, such as a file that is not there. */
export class CredentialsMissing extends Error {
  override readonly name = "CredentialsMissing";
}

/** What was looked at before a request, and keeps it from being made. */
export class HostUnfit extends Error {
  override readonly name = "HostUnfit";
  readonly problem: HostProblem;

  constructor(problem: HostProblem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** GitHub asks who was refused without a time to wait at least so long. */
const POLITE_MS = 60_000;
/** The longest that a limit of GitHub's lasts; a host that says more is asked again all the same. */
const LONGEST_MS = 3_600_000;

/** What an error says about the host; null for any other error, which is a bug or an answer. */
export function hostProblem(error: unknown, now: Date = new Date()): HostProblem | null {
  if (error instanceof HostUnfit) return error.problem;
  if (error instanceof RepositoryMoved) {
    const detail = `${error.message} Give its new name, or run \`jarvis takeover --reason TEXT\`.`;
    return { reason: "repository-identity-changed", detail, retryAt: null };
  }
  const away = (detail: string): HostProblem => ({
    reason: "github-not-connected",
    detail,
    retryAt: null,
  });
  if (error instanceof CredentialsMissing) return away(error.message);
  const status = statusOf(error);
  const limited = limitOf(error, now);
  if (limited !== null) {
    const until = limited.toISOString();
    return {
      reason: "rate-budget-low",
      detail: `The repository host's rate limit is used up (${status}); promotion goes on after ${until}.`,
      retryAt: limited,
    };
  }
  if (status === 401 || status === 403) {
    return away(
      `The repository host refused the credentials (${status}); check the token and what it may do.`,
    );
  }
  if (status !== null && status >= 500) {
    return away(`The repository host does not serve requests right now (${status}).`);
  }
  const text = error instanceof Error ? `${error.message} ${causeText(error)}` : "";
  const isGit = error instanceof SelfExtensionError && error.code === "git-failed";
  if (isGit && /Authentication failed|returned error: 40[13]/.test(text)) {
    return away("The repository host refused git's credentials; check the token.");
  }
  const isUnreachable =
    /TimeoutError|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|UND_ERR|fetch failed|other side closed/.test(
      text,
    );
  const isGitUnreachable =
    isGit &&
    /Could not resolve|Failed to connect|unable to access|unable to update url base|Connection refused|Empty reply|git fetch did not end/i.test(
      text,
    );
  return isUnreachable || isGitUnreachable ? away("The repository host cannot be reached.") : null;
}

/** The sentence for an error that means "the host cannot be worked with"; null for any other error. */
export function connectionProblem(error: unknown): string | null {
  return hostProblem(error)?.detail ?? null;
}

/** The HTTP status of an Octokit error; null where there was no response. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("status" in error)) return null;
  // Octokit gives network errors the status 500 with no response.
  if (!("response" in error) || error.response === undefined) return null;
  return typeof error.status === "number" ? error.status : null;
}

interface RefusalParts {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly data?: unknown;
}

/**
 * When a primary or secondary rate limit ends; null for any other refusal. GitHub says both with 403
 * or 429, which alone do not tell a limit from a credential: the headers do, and where it sends none
 * of them, the documentation that the refusal names.
 */
function limitOf(error: unknown, now: Date): Date | null {
  const status = statusOf(error);
  if (status !== 403 && status !== 429) return null;
  const { headers = {}, data } = (error as { response: RefusalParts }).response;
  const within = (ms: number): Date =>
    new Date(Math.min(Math.max(ms, now.getTime()), now.getTime() + LONGEST_MS));
  const retryAfter = Number(headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(retryAfter)) return within(now.getTime() + retryAfter * 1000);
  if (headers["x-ratelimit-remaining"] === "0") {
    const reset = Number(headers["x-ratelimit-reset"] ?? Number.NaN);
    return within(Number.isFinite(reset) ? reset * 1000 : now.getTime() + POLITE_MS);
  }
  const isAboutLimits = status === 429 || documentationOf(data).includes("rate-limit");
  return isAboutLimits ? within(now.getTime() + POLITE_MS) : null;
}

function documentationOf(data: unknown): string {
  if (typeof data !== "object" || data === null || !("documentation_url" in data)) return "";
  return typeof data.documentation_url === "string" ? data.documentation_url : "";
}

function causeText(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error)) return "";
  const code = "code" in cause ? String(cause.code) : "";
  return `${cause.name} ${cause.message} ${code}`;
}
