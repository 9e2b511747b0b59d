import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseHandle } from "@jarvis/db";
import type { ActionDefinition } from "@jarvis/operator-core";
import {
  checkSandbox,
  endAllSandboxes,
  killAllSandboxes,
  type ListedSandbox,
  type RunningSandboxes,
} from "@jarvis/sandbox";
import {
  holderState,
  isThisProcess,
  makeSandboxSwitch,
  pipelineActions,
  type Mirror,
  type PipelineWorld,
} from "@jarvis/tools/self-extension";
import type { KernelConfig } from "../config.ts";
import { startActions, type ActionSystem } from "./actions.ts";
import type { BodyKeeper } from "./body/keeper.ts";
import type { Connection } from "./connect.ts";
import type { KernelMove } from "./move/kernel-move.ts";
import { moveActions } from "./move/move-actions.ts";
import type { Progress } from "./progress.ts";
import { fetchAction } from "./body-tools/fetch-action.ts";
import { queryAction } from "./body-tools/query-action.ts";
import { callToolAction } from "./serving/body-requests.ts";
import type { RollbackJobs } from "./serving/rollback-action.ts";

/** What the pipeline works with in this kernel, and how its work is ended. */
export interface Work {
  readonly world: PipelineWorld;
  readonly actions: ActionSystem;
  /** Ends every sandbox. From now on nothing that ends leaves a verdict: it is done again at the next start. */
  stop(): Promise<void>;
}

export async function startWork(parts: {
  readonly config: KernelConfig;
  readonly database: DatabaseHandle;
  readonly mirror: Mirror;
  readonly connection: Connection;
  readonly progress: Progress;
  /** The body that serves, for the calls of its tools. */
  readonly body: () => BodyKeeper | null;
  readonly unblessed: PipelineWorld["unblessed"];
  readonly rollbacks: RollbackJobs;
  readonly move: KernelMove;
  readonly room: PipelineWorld["room"];
  readonly ledger: PipelineWorld["ledger"];
  /** What goals are changed and worked on by. */
  readonly goalActions: (world: () => PipelineWorld) => readonly ActionDefinition[];
}): Promise<Work> {
  const { config, database, mirror, connection, progress, move } = parts;
  const directory = join(config.stateDir, "work");
  // Whatever a killed kernel left there belongs to verifications that start anew.
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const sandboxes = makeSandboxSwitch(() => safety);
  let stopping = false;
  const endSandboxes = async (before?: RunningSandboxes): Promise<readonly ListedSandbox[]> => {
    sandboxes.interrupt();
    return await endAllSandboxes(before);
  };
  const actions = await startActions(
    database,
    [
      ...pipelineActions(() => world),
      callToolAction(parts.body),
      parts.rollbacks.action(),
      ...moveActions(move.actions),
      fetchAction(config.fetchHosts),
      queryAction(config.queryFile),
      ...parts.goalActions(() => world),
    ],
    endSandboxes,
  );
  const { executor, safety } = actions;
  const world: PipelineWorld = {
    db: database.db,
    mirror,
    get github() {
      return connection.target;
    },
    ledger: parts.ledger,
    actions: {
      propose: async (request) => await executor.propose(request),
      validate: async (id) => await executor.validate(id),
      cancel: async (id, cancellation) => await executor.cancel(id, cancellation),
      async execute(id, options) {
        // What a stop interrupts is read back by the step, which stays open, at the next start.
        try {
          const outcome = await executor.execute(id, options);
          return stopping && outcome.outcome !== "completed" ? await forever() : outcome;
        } catch (error) {
          if (stopping) return await forever();
          throw error;
        }
      },
    },
    flights: new Map(),
    // Whoever holds the state directory of a database of our own is the only one who lands.
    holderState:
      database.server === "embedded"
        ? (holder) => (isThisProcess(holder) ? "alive" : "dead")
        : holderState,
    unblessed: parts.unblessed,
    room: parts.room,
    inStage: async (stage) => await move.gate.pass(stage),
    async run(request) {
      const result = await sandboxes.run(request);
      // A stopping kernel leaves no verdict behind: the step stays open and is done again at start.
      return stopping ? await forever() : result;
    },
    checkSandbox,
    packageManager: { env: config.packageManagerEnv, defaultPnpm: config.pnpm },
    directories: {
      work: directory,
      dependencies: config.dependenciesDir ?? join(config.stateDir, "dependencies"),
      builds: join(config.stateDir, "builds"),
      files: join(config.stateDir, "files"),
      releases: join(config.stateDir, "releases"),
      inventory: join(config.stateDir, "inventory"),
    },
    signal: sandboxes.signal,
    progress: (runId, what) => progress.note(runId, what),
    ended: (runId) => progress.forget(runId),
  };
  return {
    world,
    actions,
    async stop() {
      stopping = true;
      sandboxes.interrupt();
      await killAllSandboxes();
    },
  };
}

async function forever(): Promise<never> {
  return await new Promise(() => undefined);
}
