import { holderState } from "../../self-extension/promotion-holder.ts";
import { memoryHost, type HostTroubles } from "./memory-host.ts";
import { memoryStore } from "./memory-store.ts";
import type { ScheduleWorld } from "./run-schedule.ts";
import type { Scheduler } from "./scheduler.ts";

/** Store and host in memory: a schedule takes milliseconds. */
export function memoryWorld(scheduler: Scheduler, troubles: HostTroubles): ScheduleWorld {
  const store = memoryStore(scheduler.turn);
  const host = memoryHost(scheduler, troubles);
  const wait = async (ms: number): Promise<void> => {
    store.pass(ms);
    await scheduler.turn();
  };
  return {
    settling: { store, github: () => host.github, holderState, wait },
    pass: wait,
    host: {
      commit: async (parent, label) => await Promise.resolve(host.commit(parent, label)),
      push: async (label) => await Promise.resolve(host.push(label)),
      history: async () => await Promise.resolve(host.history()),
      pullsOf: async (branch) =>
        await Promise.resolve(host.pulls.filter(({ head }) => head === branch).length),
      evidenceOf: async (sha) =>
        await Promise.resolve(
          host.statusesOf(sha).filter(({ context }) => context === "jarvis/sandbox").length,
        ),
      async fenceOf(sha) {
        const fence = host.statusesOf(sha).find(({ context }) => context === "jarvis/promotion");
        return await Promise.resolve(fence?.state ?? null);
      },
      onTheirWay: () => host.onTheirWay(),
    },
  };
}
