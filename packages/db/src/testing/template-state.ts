import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  choosePlace,
  chooseSocketDirectory,
  makeGuardedDirectory,
} from "../embedded/cluster-directory.ts";
import { databaseDirectory } from "../embedded/supervisor.ts";
import { writeClusterRecord } from "../embedded/records.ts";
import { openDatabase } from "../open-database.ts";
import { openStateDirectory } from "../state-directory.ts";

/**
 * Gives a new state directory the cluster that a first start would make there, as it lies on the
 * disk after an ordered stop: initdb and every migration cost a CPU second and a half, a copy a
 * tenth of it. What a first start does is for the tests of packages/db, which do not use this.
 *
 * @param template A state directory that `makeTemplateState` made.
 */
export function copyTemplateState(template: string, stateDirectory: string): void {
  const directory = openStateDirectory(stateDirectory);
  const own = join(directory, "postgres");
  if (existsSync(own)) return;
  mkdirSync(own, { mode: 0o700 });
  copyFileSync(join(template, "postgres", "secrets.json"), join(own, "secrets.json"));
  const place = choosePlace(directory, undefined);
  if (place.user !== null) makeGuardedDirectory(place.root, 0o711);
  execFileSync("cp", ["-a", dataOf(template), join(place.root, "data")]);
  writeClusterRecord(own, { root: place.root, socketDirectory: chooseSocketDirectory(place) });
}

/** Makes the state directory that others are copied from, as a first start does, and stops it. */
export async function makeTemplateState(template: string): Promise<void> {
  const whole = join(template, "whole");
  if (existsSync(whole) && existsSync(dataOf(template))) return;
  // Its data lie elsewhere where root runs the tests, and somebody may have cleared that away.
  rmSync(template, { recursive: true, force: true });
  const handle = await openDatabase({ stateDirectory: template });
  await handle.close({ stopServer: true });
  // No test pulls the plug of the machine, so nothing has to reach the disk.
  appendFileSync(join(dataOf(template), "postgresql.auto.conf"), "fsync = off\n");
  writeFileSync(whole, "");
}

function dataOf(stateDirectory: string): string {
  const root = databaseDirectory(stateDirectory);
  if (root === null) throw new Error(`${stateDirectory} has no cluster`);
  return join(root, "data");
}
