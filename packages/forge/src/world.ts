import type { Links } from "./render/links.ts";
import type { MergeabilityCache } from "./mergeability.ts";
import type { Repository } from "./repository.ts";

/** What an operation works on. */
export interface World {
  repository: Repository;
  links: Links;
  mergeability: MergeabilityCache;
  /** Requests left in this hour, as the rate limit tells them. */
  rateLimit: RateLimit;
}

/** Counted and told as GitHub does. */
export interface RateLimit {
  readonly limit: number;
  used(login: string): number;
  /** When the count starts again, in seconds since 1970. */
  resetSeconds(): number;
  count(login: string): void;
}

export function createRateLimit(limit = 5_000, windowMs = 3_600_000): RateLimit {
  let windowEnd = Date.now() + windowMs;
  const used = new Map<string, number>();
  const roll = (): void => {
    if (Date.now() < windowEnd) return;
    windowEnd = Date.now() + windowMs;
    used.clear();
  };
  return {
    limit,
    used(login) {
      roll();
      return used.get(login) ?? 0;
    },
    resetSeconds: () => Math.floor(windowEnd / 1000),
    count(login) {
      roll();
      used.set(login, (used.get(login) ?? 0) + 1);
    },
  };
}
