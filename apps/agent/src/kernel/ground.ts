import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { databaseDirectory, openStateDirectory, type DatabaseHandle } from "@jarvis/db";
import { openMirror, type Mirror } from "@jarvis/tools/self-extension";
import type { KernelConfig } from "../config.ts";
import { connectRepositoryHost, type Connection } from "./connect.ts";
import { seedUndo } from "./first-base.ts";
import { inspectRepository, type GuardedRepository } from "./guarded-repository.ts";
import { keepLedger, type LedgerKeeper } from "./ledger/ledger-keeper.ts";
import { standbyKernel, type Standby } from "./leadership/standby-kernel.ts";
import { takeLead, type Lead } from "./leadership/take-lead.ts";
import { KernelMove } from "./move/kernel-move.ts";
import { Progress } from "./progress.ts";
import { keepRoom, type RoomKeeper } from "./room/room-keeper.ts";
import type { Started } from "./started.ts";
import { hideFromGit, lockForKernel } from "./state-lock.ts";

/** What still asks a database that is gone gets so long. */
const LOST_MS = 500;

/** Whom a kernel tells that it has to end. */
export interface KernelEnds {
  /** Something that it cannot do without has gone for good. */
  readonly onLost: (error: Error) => void;
  /** The next one is to be started in its place. */
  readonly onMove: () => void;
}

/** What happens while another kernel leads. */
export interface KernelWaits {
  readonly onStandby: (standby: Standby) => Promise<void>;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** What a kernel stands on before it judges anything. */
export interface Ground extends Omit<Lead, "waitedWith"> {
  readonly config: KernelConfig;
  readonly repository: GuardedRepository;
  readonly progress: Progress;
  readonly room: RoomKeeper;
  readonly move: KernelMove;
  readonly mirror: Mirror;
  readonly connection: Connection;
  /** Takes back the seed of a forge that this start made. */
  readonly takeSeedBack: ReturnType<typeof seedUndo>;
  readonly ledger: LedgerKeeper;
  /** The database has gone for good: nothing that asks it comes to an end any more. */
  readonly databaseLost: () => void;
}

/** Directory, lead, repository host and ledger, in this order. May take as long as another kernel leads. */
export async function layGround(
  config: KernelConfig,
  { onLost, onMove }: KernelEnds,
  waits: KernelWaits,
  started: Started,
): Promise<Ground> {
  const held = await holdDirectory(config, onMove, started);
  const { stateDirectory, repository, progress, room } = held;
  const lead = await takeLead({
    config,
    stateDirectory,
    onWaiting: async (waiting) =>
      await waits.onStandby(standbyKernel({ config, ...held }, waiting)),
    onProblem: (error) => progress.problem(error),
    onLost,
    signal: waits.signal,
  });
  const { database, leadership, isTakenOver } = lead;
  let isLost = false;
  started.add(
    async () => await database.close({ stopServer: true, ...(isLost && { patienceSeconds: 0.5 }) }),
  );
  started.add(async () => await leadership?.release());
  started.add(async () => await lead.waitedWith?.close());
  watchRoomOf(database, stateDirectory, room);
  const mirror = await openMirror(join(config.stateDir, "mirror.git"));
  const takeSeedBack = seedUndo(config.stateDir);
  const mayChange = leadership === null ? null : async () => await leadership.confirm();
  const connection = await connectRepositoryHost(
    config,
    database.db,
    repository,
    onLost,
    mayChange,
  );
  started.add(async () => await connection.forge?.stop());
  const ledger = await keepLedger({
    database,
    stateDirectory,
    takesOver: isTakenOver,
    onProblem: (error) => progress.problem(error),
  });
  started.add(async () => {
    // It seals what it is at; without a database nothing of that will come to an end.
    const stopped = ledger.stop();
    await (isLost ? Promise.race([stopped.catch(() => undefined), sleep(LOST_MS)]) : stopped);
  });
  return {
    config,
    ...held,
    database,
    leadership,
    isTakenOver,
    mirror,
    connection,
    takeSeedBack,
    ledger,
    databaseLost: () => (isLost = true),
  };
}

interface HeldDirectory extends Pick<Ground, "repository" | "progress" | "room" | "move"> {
  /** Locked by this process. */
  readonly stateDirectory: string;
}

/** Everything before the database: a second kernel is refused here, before it touches anything. */
async function holdDirectory(
  config: KernelConfig,
  onMove: () => void,
  started: Started,
): Promise<HeldDirectory> {
  const statePath = await realpath(config.stateDir).catch(() => config.stateDir);
  const repository = await inspectRepository(config.repo, statePath);
  const stateDirectory = openStateDirectory(config.stateDir);
  const lock = await lockForKernel(stateDirectory);
  started.add(() => lock.release());
  if (stateDirectory !== repository.directory) hideFromGit(stateDirectory);
  const progress = new Progress();
  const onProblem = (error: unknown): void => progress.problem(error);
  const room = keepRoom(
    { floorBytes: config.freeSpaceBytes, directories: [stateDirectory] },
    onProblem,
  );
  started.add(() => room.stop());
  // Before the database: on a full disk it comes up with what is kept back for it, or not at all.
  await room.look();
  const move = new KernelMove({
    launcher: config.launcher,
    repository: repository.directory,
    releases: join(config.stateDir, "releases"),
    onMove,
    onProblem,
  });
  return { stateDirectory, repository, progress, room, move };
}

/** The cluster of a database of our own lies elsewhere where root started this kernel. */
function watchRoomOf(database: DatabaseHandle, stateDirectory: string, room: RoomKeeper): void {
  const cluster = databaseDirectory(stateDirectory);
  if (cluster !== null && database.server === "embedded") room.watch(cluster);
}
