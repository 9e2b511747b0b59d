import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { selfExtensionEvents } from "@jarvis/db";
import { anEvent, createTestDatabase } from "@jarvis/db/testing";
import { checkBundle, proveEvent, readNewestPushed } from "@jarvis/ledger";
import { setSafetyMode } from "@jarvis/operator-core";
import { removeTree } from "@jarvis/sandbox/testing";
import { readPushed, setPromotionControlState } from "@jarvis/tools/self-extension";
import { expect, it, onTestFinished, vi } from "vitest";
import { keepAndWatch, targetOf } from "../../testing/kept-ledger.ts";
import { plainProject } from "../../testing/repository.ts";
import { startSeededForge } from "../../testing/seeded-forge.ts";

const by = { reason: "a test", actor: "operator" } as const;

it("a checkpoint is pushed while Jarvis may change the host, and bundles are led on to it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-pushed-"));
  const repository = plainProject();
  const forge = await startSeededForge(directory, repository);
  const database = await createTestDatabase();
  const stateDirectory = join(directory, "state");
  // Pushes come every fifteen seconds.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  // Nobody listens there any more.
  const left = createServer().listen(0, "127.0.0.1");
  await once(left, "listening");
  let host: string | undefined = `http://127.0.0.1:${(left.address() as AddressInfo).port}`;
  left.close();
  const keeper = await keepAndWatch(database, stateDirectory, () => targetOf(forge, host));
  onTestFinished(async () => {
    await keeper.stop();
    vi.useRealTimers();
    await forge.close();
    await database.close();
    repository.remove();
    removeTree(directory);
  });
  const there = async (): Promise<number> => (await readPushed(targetOf(forge)))?.anchor.size ?? 0;
  const writeAndTick = async (): Promise<number> => {
    const [row] = await database.db.insert(selfExtensionEvents).values(anEvent()).returning();
    const { size } = await keeper.cover({ ledger: "self_extension_events", id: row?.id ?? 0 });
    vi.advanceTimersByTime(15_000);
    return size;
  };

  await writeAndTick();
  await sleep(300);
  expect(await there()).toBe(0);
  expect(readNewestPushed(stateDirectory)).toBeNull();

  await setSafetyMode(database.db, { ...by, mode: "execute" });
  await writeAndTick();
  await expect
    .poll(() => keeper.status().pushProblem)
    .toBe("The repository host cannot be reached.");
  expect(keeper.status().pushed).toBeNull();

  host = undefined;
  const size = await writeAndTick();
  await expect.poll(there).toBe(size);
  await expect.poll(() => keeper.status().pushed?.size).toBe(size);
  expect(keeper.status().pushProblem).toBeNull();
  const pushed = readNewestPushed(stateDirectory);
  const carried = [(await readPushed(targetOf(forge)))?.anchor].filter((one) => one !== undefined);
  expect(carried).toEqual([pushed]);
  const event = { ledger: "self_extension_events", id: 2 } as const;
  const bundle = await proveEvent(database.db, event, carried);
  expect(checkBundle(bundle, carried)).toMatchObject({ id: 2, anchoredBy: pushed?.where });

  await setPromotionControlState(database.db, { paused: true, reason: "x", updatedBy: "operator" });
  await writeAndTick();
  await sleep(300);
  expect(await there()).toBe(size);
});
