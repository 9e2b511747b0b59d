import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "@jarvis/db";
import { prepareTestState } from "@jarvis/db/testing";
import { plainFiles } from "@jarvis/tools/testing";
import { expect, it, onTestFinished } from "vitest";
import { makeWorld, type World } from "../testing/world.ts";

it("a restore that fails leaves no database behind that it made", async () => {
  const world = aWorld();
  expect(await restoreNothing(world)).toMatchObject({ code: 1 });
  expect(existsSync(join(world.stateDir, "postgres"))).toBe(false);
});

it("a restore that fails leaves the database that was there", async () => {
  const world = aWorld();
  await prepareTestState(world.stateDir);
  expect(await restoreNothing(world)).toMatchObject({ code: 1 });
  const database = await openDatabase({ stateDirectory: world.stateDir });
  await database.close({ stopServer: true });
});

async function restoreNothing(world: World) {
  const file = join(world.directory, "no-backup.gz");
  writeFileSync(file, "not what jarvis backup writes");
  return await world.here(["restore", file, "--reason", "test"]);
}

function aWorld(): World {
  const world = makeWorld(plainFiles);
  onTestFinished(async () => await world.discard());
  return world;
}
