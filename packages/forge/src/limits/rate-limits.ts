import { Problem } from "../problem.ts";
import { PrimaryLimit } from "./primary-limit.ts";
import { SecondaryLimit, type SecondaryLimits } from "./secondary-limit.ts";

/** As they are told to a forge at its start. */
export type RateLimitOptions = {
  [Name in "perHour" | keyof SecondaryLimits]?: number | undefined;
};

// GitHub's primary limit. Its secondary limits are 900 points and 80 changes a minute, which would
// slow a forge that serves one machine; a hundred times that still stops a client in a loop.
const DEFAULTS = {
  /** The primary limit: requests an hour for each token. */
  perHour: 5_000,
  concurrent: 100,
  pointsPerMinute: 90_000,
  contentPerMinute: 8_000,
};

export interface RateLimits {
  primary: PrimaryLimit;
  secondary: SecondaryLimit;
}

export function createRateLimits(
  options: RateLimitOptions = {},
  now: () => number = Date.now,
): RateLimits {
  const limit = options.perHour ?? DEFAULTS.perHour;
  return {
    primary: new PrimaryLimit({ limit, now }),
    secondary: new SecondaryLimit(
      {
        concurrent: options.concurrent ?? DEFAULTS.concurrent,
        pointsPerMinute: options.pointsPerMinute ?? DEFAULTS.pointsPerMinute,
        contentPerMinute: options.contentPerMinute ?? DEFAULTS.contentPerMinute,
      },
      now,
    ),
  };
}

const DOCUMENTATION =
  "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";

export type LimitStatus = 403 | 429;

export function primaryExceeded(
  login: string,
  status: LimitStatus = 403,
  headers: Record<string, string> = {},
): Problem {
  return new Problem(
    status,
    `API rate limit exceeded for ${login}. Wait until the time in X-RateLimit-Reset.`,
    { documentationUrl: `${DOCUMENTATION}#about-primary-rate-limits`, headers },
  );
}

export function secondaryExceeded(retryAfterSeconds: number, status: LimitStatus = 403): Problem {
  return new Problem(
    status,
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    {
      documentationUrl: `${DOCUMENTATION}#about-secondary-rate-limits`,
      headers: { "Retry-After": String(retryAfterSeconds) },
    },
  );
}
