import { setTimeout as sleep } from "node:timers/promises";
import { startForgeProcess, type RunningForge } from "./forge-process.ts";

export interface ForgeKeeper {
  /** The forge that serves now; another one after a restart. */
  readonly current: RunningForge;
  stop(): Promise<void>;
}

/** More ends than this within the time are no accident, and restarting goes on hiding the cause. */
const limit = { restarts: 5, withinMs: 60_000 };

const PAUSE_MS = 200;

/**
 * Keeps a forge running: one that ends by itself is started again in the same directory, where it
 * finds its state, its token and its port. `onGone` is told when that does not help.
 */
export async function keepForge(
  options: Parameters<typeof startForgeProcess>[0],
  onGone: (error: Error) => void,
): Promise<ForgeKeeper> {
  let current = await startForgeProcess(options);
  let stopping = false;
  const restarts: number[] = [];

  /** Tries until one serves; throws the last reason when it has tried too often. */
  async function restart(): Promise<void> {
    let last = new Error("it ended");
    for (;;) {
      if (stopping) return;
      const recent = restarts.filter((at) => performance.now() - at < limit.withinMs);
      if (recent.length >= limit.restarts) throw last;
      restarts.push(performance.now());
      try {
        current = await startForgeProcess(options);
        watch(current);
        return;
      } catch (error) {
        last = error instanceof Error ? error : new Error(String(error));
        await sleep(PAUSE_MS);
      }
    }
  }

  function watch(forge: RunningForge): void {
    void forge.ended.then(async () => {
      if (stopping) return;
      restarting = restart();
      await restarting.catch((cause: Error) => {
        onGone(
          new Error(
            `The local forge does not keep running (started ${limit.restarts} times within a minute; ${cause.message}); look at ${options.directory} and start Jarvis again.`,
            { cause },
          ),
        );
      });
    });
  }

  let restarting: Promise<void> = Promise.resolve();
  watch(current);
  return {
    get current() {
      return current;
    },
    async stop() {
      stopping = true;
      await restarting.catch(() => undefined);
      await current.stop();
    },
  };
}
