import type { App } from "./app/app.ts";
import type { Faults } from "./faults/faults.ts";
import type { RateLimits } from "./limits/rate-limits.ts";
import type { Links } from "./render/links.ts";
import type { MergeabilityCache } from "./mergeability.ts";
import type { Repository } from "./repository.ts";

/** What an operation works on. */
export interface World {
  repository: Repository;
  links: Links;
  mergeability: MergeabilityCache;
  limits: RateLimits;
  /** Undefined unless the forge was told of one. */
  app: App | undefined;
  /** Names that the repository had before: whoever uses one is redirected. */
  formerNames: readonly string[];
  /** Only where a test asked for them at the start. */
  faults: Faults | undefined;
}
