/** Numbers that look random and are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Chooses who goes on next wherever somebody waits for the world: a schedule is its seed. */
export interface Scheduler {
  readonly random: () => number;
  /** One of `from` to `to`, both included. */
  between(from: number, to: number): number;
  chance(of: number): boolean;
  /** Waits until it is one's turn. */
  readonly turn: () => Promise<void>;
  /** Does something in its turn that takes its time in the world outside; nobody goes on meanwhile. */
  outside<T>(work: () => Promise<T>): Promise<T>;
  /** Runs until every piece of work has ended; throws the first error, or when nobody can go on. */
  run(work: readonly Promise<unknown>[]): Promise<void>;
}

/** So many turns end any schedule that ends at all. */
const MAX_TURNS = 20_000;

export function makeScheduler(seed: number): Scheduler {
  const random = randomOf(seed);
  const waiting: (() => void)[] = [];
  // How often whoever went last goes on at once: with much of it others stand still for long.
  const burst = [0, 0.5, 0.8, 0.95][Math.floor(random() * 4)] ?? 0;
  const counts = { outside: 0, left: 0 };
  let tellBack: () => void = () => undefined;
  const turn = async (): Promise<void> => {
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    random,
    between: (from, to) => from + Math.floor(random() * (to - from + 1)),
    chance: (of) => random() < of,
    turn,
    async outside(work) {
      await turn();
      counts.outside += 1;
      try {
        return await work();
      } finally {
        counts.outside -= 1;
        if (counts.outside === 0) tellBack();
      }
    },
    async run(work) {
      counts.left = work.length;
      let failure: { readonly error: unknown } | null = null;
      for (const each of work) {
        each.then(
          () => (counts.left -= 1),
          (error: unknown) => {
            failure ??= { error };
            counts.left -= 1;
          },
        );
      }
      for (let turns = 0; counts.left > 0 || waiting.length > 0; turns += 1) {
        await settled();
        while (counts.outside > 0) {
          await new Promise<void>((resolve) => (tellBack = resolve));
          await settled();
        }
        if (failure !== null) throw (failure as { error: unknown }).error;
        const isBurst = random() < burst;
        const next = isBurst ? waiting.length - 1 : Math.floor(random() * waiting.length);
        const [go] = next < 0 ? [] : waiting.splice(next, 1);
        if (go === undefined && counts.left > 0)
          throw new Error("nobody can go on, and not all have ended");
        if (turns === MAX_TURNS) throw new Error(`no end after ${MAX_TURNS} turns`);
        go?.();
      }
    },
  };
}

/** Everything that can go on without a turn has done so. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
