import { startInSandbox } from "@jarvis/sandbox";
import {
  healthWindowConfig,
  loadConfig,
  type GuardConfig,
  type HealthWindowConfig,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import { defaultBodyLimits } from "../body/body-limits.ts";
import type { KeepBodyOptions } from "../body/keeper.ts";
import type { BodyRequests } from "../body/requests.ts";

/** How a release is run, and how it is watched. */
export interface ReleaseSettings {
  readonly config: HealthWindowConfig;
  readonly body: Omit<KeepBodyOptions, "onSignal" | "release">;
}

export type LivingConfig = GuardConfig & { readonly body: NonNullable<GuardConfig["body"]> };

/**
 * Answers the settings of a release: what its own tree says, which a person let pass with it. Where
 * that cannot be read, or names no body, what the base said when the kernel started: going back must
 * not fail for it.
 */
export function releaseSettings(
  { mirror }: Pick<PipelineWorld, "mirror">,
  base: LivingConfig,
  requests: BodyRequests,
): (treeSha: string) => Promise<ReleaseSettings> {
  return async (treeSha) => {
    const own = await loadConfig(mirror, treeSha).catch(() => base);
    const { argv, limits } = own.body ?? base.body;
    return {
      config: (own.body === undefined ? base : own).healthWindow ?? healthWindowConfig.parse({}),
      body: {
        argv,
        run: startInSandbox,
        limits: {
          memoryBytes: limits?.memoryBytes ?? defaultBodyLimits.memoryBytes,
          processes: limits?.processes ?? defaultBodyLimits.processes,
        },
        requests,
      },
    };
  };
}
