import { setTimeout as sleep } from "node:timers/promises";
import type { LeaseHolder } from "@jarvis/db";
import { killSwitch, setSafetyMode } from "@jarvis/operator-core";
import {
  connectGitHub,
  holderState,
  hostProblem,
  HostUnfit,
  pausePromotion,
  promotionStore,
  resumePromotion,
  wantsGitHub,
  type GitHubTarget,
  type SettleWorld,
} from "@jarvis/tools/self-extension";
import type { KernelConfig } from "../../config.ts";
import type { GuardedRepository } from "../guarded-repository.ts";
import type { Kernel } from "../kernel.ts";
import type { KernelMove } from "../move/kernel-move.ts";
import type { Progress } from "../progress.ts";
import type { Waiting } from "./take-lead.ts";

/** What a kernel that stands by leaves to the one that leads. */
export class StandsBy extends Error {
  override readonly name = "StandsBy";

  constructor(leader: LeaseHolder | null) {
    super(
      leader === null
        ? "This kernel stands by and leads in a moment; try again then."
        : `This kernel stands by: ${describeLeader(leader)} leads; send this there.`,
    );
  }
}

/** A kernel before it leads: everything of it that needs nothing but the database. */
export interface Standby {
  readonly kernel: Kernel;
  readonly leader: () => LeaseHolder | null;
  readonly answersAt: (url: string) => void;
}

/**
 * Turns the switches, which are rows, and shows what is in the database. Whatever else is asked of a
 * kernel is refused, with the name of the one that leads: what is not made here cannot be used.
 */
export function standbyKernel(
  parts: {
    readonly config: KernelConfig;
    readonly repository: GuardedRepository;
    readonly progress: Progress;
    readonly room: Kernel["room"];
    readonly move: KernelMove;
  },
  { database, leader, answersAt }: Waiting,
): Standby {
  const { db } = database;
  const known: Partial<Kernel> = {
    ...parts,
    database,
    // Its sandboxes are the leader's to end, which hears of it by the database.
    kill: async (change) => await killSwitch(db, change),
    async setMode({ mode, reason, actor }) {
      const outcome = await setSafetyMode(db, { mode, reason, actor });
      return { mode: outcome.outcome === "conflict" ? outcome.current.mode : mode };
    },
    async pause({ paused, reason, actor, waitMs }) {
      const settling = await settlingHere(parts.config, db);
      const change = { reason, updatedBy: actor };
      return paused
        ? await pausePromotion(settling, change, { waitMs })
        : await resumePromotion(settling, change);
    },
  };
  return {
    leader,
    answersAt,
    // Typed as a whole kernel, so that the API is one and the same: what is missing refuses.
    kernel: new Proxy(known, {
      get(target, name, receiver) {
        if (name in target) return Reflect.get(target, name, receiver) as unknown;
        throw new StandsBy(leader());
      },
    }) as Kernel,
  };
}

/** Closes and reads what is on its way, where the host is one that this kernel can reach. */
async function settlingHere(
  config: KernelConfig,
  db: Waiting["database"]["db"],
): Promise<SettleWorld> {
  const target = await connect(config, db);
  const github = (): GitHubTarget => {
    if (target instanceof Error) throw target;
    return target;
  };
  return { store: promotionStore(db), github, holderState, wait: sleep };
}

async function connect(
  config: KernelConfig,
  db: Waiting["database"]["db"],
): Promise<GitHubTarget | Error> {
  const unfit = (detail: string): Error =>
    new HostUnfit({ reason: "github-not-connected", detail, retryAt: null });
  if (!wantsGitHub(config.github)) {
    return unfit("The repository host of this kernel is started when it leads.");
  }
  try {
    return (await connectGitHub(db, config.github)).target;
  } catch (error) {
    return unfit(hostProblem(error)?.detail ?? "The repository host could not be connected.");
  }
}

export function describeLeader({ host, pid, url }: LeaseHolder): string {
  return `the kernel on ${host} (process ${pid}${url === null ? "" : `, ${url}`})`;
}
