import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canMount, smallDisk, type SmallDisk } from "../../testing/small-disk.ts";
import { keepRoom, RESERVE_FILE, type RoomKeeper } from "./room-keeper.ts";

const MIB = 2 ** 20;
let disk: SmallDisk;
let room: RoomKeeper;
const problems: unknown[] = [];

const reserveBytes = (): number | null =>
  statSync(join(disk.directory, RESERVE_FILE), { throwIfNoEntry: false })?.size ?? null;

describe.runIf(canMount)("on a file system of 64 MiB with a floor of 32", () => {
  beforeAll(() => {
    disk = smallDisk(64);
    room = keepRoom(
      { floorBytes: 32 * MIB, directories: [disk.directory, disk.directory] },
      (error) => problems.push(error),
    );
  });
  afterAll(() => {
    room.stop();
    disk.remove();
  });

  it("keeps room back while there is enough", async () => {
    expect((await room.look()).level).toBe("enough");
    expect(reserveBytes()).toBe(2 * MIB);
    // Real blocks, not a hole.
    expect(disk.freeMebibytes()).toBeLessThanOrEqual(62);
  });

  it("is low below the floor, and holds the reserve still", async () => {
    disk.fillTo(20);
    expect((await room.look()).level).toBe("low");
    expect(reserveBytes()).toBe(2 * MIB);
  });

  it("gives the reserve up when it gets short, so that there is room to write", async () => {
    disk.fillTo(0);
    const facts = await room.look();
    expect(facts.level).toBe("short");
    expect(reserveBytes()).toBeNull();
    expect(disk.freeMebibytes()).toBeGreaterThanOrEqual(2);
  });

  it("makes it again only when there is room above the floor", async () => {
    disk.empty();
    disk.fillTo(31);
    expect((await room.look()).level).toBe("short");
    expect(reserveBytes()).toBeNull();
    disk.empty();
    expect((await room.look()).level).toBe("enough");
    expect(reserveBytes()).toBe(2 * MIB);
    expect(problems).toEqual([]);
  });
});

it("takes a directory that cannot be read as no permission to begin", async () => {
  const lost = keepRoom({ floorBytes: MIB, directories: ["/nonexistent/jarvis"] }, () => undefined);
  expect((await lost.look()).level).toBe("low");
  lost.stop();
});
