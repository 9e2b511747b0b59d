import { spawn } from "node:child_process";
import { chmodSync, chownSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseError } from "../errors.ts";
import { makeServerDirectory } from "./cluster-directory.ts";
import type { ClusterPlace } from "./cluster-directory.ts";

export const superuserName = "postgres";

/**
 * Makes a cluster: initdb into `data.new`, then a rename, so that `data` is never half a cluster.
 * A start that died in the middle is begun again.
 */
export async function initialiseCluster(
  place: ClusterPlace,
  binaries: string,
  password: string,
): Promise<void> {
  const fresh = join(place.root, "data.new");
  const passwordFile = join(place.root, "password.new");
  rmSync(fresh, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  makeServerDirectory(fresh, place.user);
  try {
    // initdb reads the password from a file only, and reads it as the database user.
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(passwordFile, 0o600);
    if (place.user !== null) chownSync(passwordFile, place.user.uid, place.user.gid);
    await runInitdb(place, binaries, [
      `--pgdata=${fresh}`,
      `--username=${superuserName}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // The same order of text on every machine, whatever its locale.
      "--locale=C",
      "--no-instructions",
    ]);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(fresh, join(place.root, "data"));
}

function runInitdb(place: ClusterPlace, binaries: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(binaries, "bin", "initdb"), args, {
      cwd: place.root,
      env: serverEnvironment,
      stdio: ["ignore", "pipe", "pipe"],
      ...place.user,
    });
    let output = "";
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-2000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", (error) => reject(initialiseFailure(error.message, error)));
    child.once("close", (status, signal) => {
      if (status === 0) resolve();
      else reject(initialiseFailure(`exit ${status ?? signal}: ${lastLine(output)}`, undefined));
    });
  });
}

/** Nothing of our own environment reaches the server: it could hold tokens. */
export const serverEnvironment = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

function lastLine(output: string): string {
  return output.trim().split("\n").at(-1) ?? "";
}

function initialiseFailure(what: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    "embedded-server-failed",
    `The database could not be created (${what}): mend the cause and start again, or set DATABASE_URL.`,
    { cause },
  );
}
