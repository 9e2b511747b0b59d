import { randomBytes } from "node:crypto";
import { open, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { RoomFacts } from "@jarvis/tools/self-extension";
import { decideReserve, judgeRoom, roomLimits, type PlaceSeen } from "./room-level.ts";

/** The file that is given up when there is no room. */
export const RESERVE_FILE = "reserved";
const EVERY_MS = 1000;
const CHUNK_BYTES = 2 ** 20;

export interface RoomKeeper {
  /** Looks now, and gives up or makes the reserves. Never rejects. */
  look(): Promise<RoomFacts>;
  /** One more directory that is written to; on a file system that is watched already it changes nothing. */
  watch(directory: string): void;
  stop(): void;
}

/**
 * Watches the free space of every file system that Jarvis writes to, and keeps a file on each that
 * is given up when it gets short: so that there is room for what stops things and goes back.
 */
export function keepRoom(
  options: { readonly floorBytes: number; readonly directories: readonly string[] },
  onProblem: (error: unknown) => void,
): RoomKeeper {
  const limits = roomLimits(options.floorBytes);
  const directories = [...options.directories];
  let looking: Promise<RoomFacts> | null = null;

  async function seePlace(directory: string): Promise<PlaceSeen> {
    const reserve = join(directory, RESERVE_FILE);
    const before = await seen(directory, limits.reserveBytes);
    const step = decideReserve(before, limits);
    if (step === "keep") return before;
    try {
      if (step === "release") await rm(reserve, { force: true });
      else await writeReserve(reserve, limits.reserveBytes);
    } catch (error) {
      onProblem(error);
    }
    return await seen(directory, limits.reserveBytes);
  }

  async function lookAtAll(): Promise<RoomFacts> {
    const places: PlaceSeen[] = [];
    const devices = new Set<number>();
    for (const directory of directories) {
      const device = (await stat(directory).catch(() => null))?.dev;
      if (device !== undefined && devices.has(device)) continue;
      if (device !== undefined) devices.add(device);
      places.push(await seePlace(directory));
    }
    return judgeRoom(places, limits);
  }

  async function look(): Promise<RoomFacts> {
    looking ??= lookAtAll().finally(() => (looking = null));
    return await looking;
  }

  const timer = setInterval(() => void look(), EVERY_MS);
  timer.unref();
  return {
    look,
    watch: (directory) => void directories.push(directory),
    stop: () => clearInterval(timer),
  };
}

async function seen(directory: string, reserveBytes: number): Promise<PlaceSeen> {
  const held = await stat(join(directory, RESERVE_FILE)).catch(() => null);
  const holdsReserve = held !== null && held.size >= reserveBytes;
  try {
    // What an ordinary user may still take: the operating system keeps some for root.
    const { bavail, bsize } = await statfs(directory);
    return { directory, freeBytes: bavail * bsize, holdsReserve };
  } catch {
    return { directory, freeBytes: null, holdsReserve };
  }
}

/** Real blocks of bytes that no file system can make smaller; a name of its own until it is whole. */
async function writeReserve(path: string, bytes: number): Promise<void> {
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, "w", 0o600);
    try {
      for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
        await file.writeFile(randomBytes(Math.min(left, CHUNK_BYTES)));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
