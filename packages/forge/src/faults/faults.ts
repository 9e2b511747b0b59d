import { setTimeout as sleep } from "node:timers/promises";

import { primaryExceeded, secondaryExceeded } from "../limits/rate-limits.ts";
import { Problem } from "../problem.ts";
import type { World } from "../world.ts";
import { EarlierStates } from "./earlier-states.ts";
import { FaultPlan } from "./fault-plan.ts";
import type { Fault } from "./fault.ts";
import { moveBranch } from "./move-branch.ts";

/** Everything a forge needs to go wrong on order. */
export class Faults {
  readonly plan = new FaultPlan();
  readonly earlier = new EarlierStates();
}

/** Thrown instead of an answer: the connection is to be closed without one. */
export class ConnectionClosed extends Error {
  override readonly name = "ConnectionClosed";
}

/**
 * What happens before a call is served. Throws the {@link Problem} that is answered instead, or
 * {@link ConnectionClosed}; either way nothing took effect.
 */
export async function disturbBefore(
  faults: readonly Fault[],
  world: World,
  login: string,
): Promise<void> {
  for (const fault of faults) {
    switch (fault.kind) {
      case "primary-limit":
        throw usedUp(world, login, fault);
      case "secondary-limit":
        throw secondaryExceeded(fault.retryAfterSeconds, fault.status);
      case "rate-budget":
        world.limits.primary.set(login, fault);
        break;
      case "stale-read":
        break;
      case "error":
      case "close-connection":
      case "delay":
      case "move-branch":
        if (fault.when === "before") await disturb(fault, world);
        break;
    }
  }
}

/** What happens once a call was served; throws as {@link disturbBefore}, with the effect made. */
export async function disturbAfter(faults: readonly Fault[], world: World): Promise<void> {
  for (const fault of faults) {
    if ("when" in fault && fault.when === "after") await disturb(fault, world);
  }
}

/** The world as a call is to see it. */
export function staleWorld(faults: readonly Fault[], world: World): World {
  const stale = faults.find((fault) => fault.kind === "stale-read");
  if (stale === undefined || world.faults === undefined) return world;
  const repository = world.faults.earlier.view(world.repository, stale.changesBack);
  return { ...world, repository };
}

async function disturb(fault: Extract<Fault, { when: string }>, world: World): Promise<void> {
  switch (fault.kind) {
    case "error":
      throw new Problem(fault.status, "Server Error");
    case "close-connection":
      throw new ConnectionClosed();
    case "delay":
      // Nobody waits for a call that is still delayed when the forge ends.
      await sleep(fault.ms, undefined, { ref: false });
      break;
    case "move-branch": {
      const { repository } = world;
      await repository.mutex.run(async () => {
        await world.faults?.earlier.remember(repository);
        await moveBranch(repository, fault);
      });
      break;
    }
  }
}

function usedUp(
  world: World,
  login: string,
  fault: Extract<Fault, { kind: "primary-limit" }>,
): Problem {
  const { limit } = world.limits.primary.state(login);
  const reset = Math.ceil(Date.now() / 1000) + fault.resetInSeconds;
  return primaryExceeded(login, fault.status, {
    "X-RateLimit-Limit": String(limit),
    "X-RateLimit-Used": String(limit),
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": String(reset),
    "X-RateLimit-Resource": "core",
  });
}
