import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { codeOf, DatabaseError } from "../errors.ts";
import { databaseUser } from "./database-user.ts";
import type { DatabaseUser } from "./database-user.ts";

/** Where the files of one embedded server are, and who runs it. */
export type ClusterPlace = {
  /** Holds the data directory, the log and (usually) the socket. */
  root: string;
  /** Holds a copy of the PostgreSQL binaries per version. */
  binariesBase: string;
  user: DatabaseUser | null;
};

/*
 * An ordinary user's cluster lies in the state directory. Root's cannot: the state directory is
 * 0700 and the server runs as nobody, who may not even pass through it. So it lies in
 * /var/lib/jarvis/<hash of the state directory's path>, or under the temporary directory where
 * /var/lib is read-only, and the state directory keeps its address and passwords.
 */
export function choosePlace(stateDirectory: string, base: string | undefined): ClusterPlace {
  const user = databaseUser();
  const own = join(stateDirectory, "postgres");
  if (user === null) return { root: own, binariesBase: base ?? own, user };
  const parent = base ?? firstUsableBase(["/var/lib/jarvis", join(tmpdir(), "jarvis-0")]);
  makeGuardedDirectory(parent, 0o755);
  const name = createHash("sha256").update(stateDirectory).digest("hex").slice(0, 16);
  return { root: join(realpathSync(parent), name), binariesBase: parent, user };
}

/**
 * The same for a cluster that was made earlier and recorded. An ordinary user's moves with the
 * state directory; root's stays where it was recorded.
 */
export function recordedPlace(
  stateDirectory: string,
  root: string,
  base: string | undefined,
): ClusterPlace {
  const user = databaseUser();
  const own = join(stateDirectory, "postgres");
  if (user === null) return { root: own, binariesBase: base ?? own, user };
  return { root, binariesBase: base ?? dirname(root), user };
}

function firstUsableBase(candidates: string[]): string {
  let last: unknown;
  for (const candidate of candidates) {
    try {
      makeGuardedDirectory(candidate, 0o755);
      return candidate;
    } catch (error) {
      // Somebody else's directory under our name is an attack or a mistake, never a detour.
      if (error instanceof DatabaseError) throw error;
      last = error;
    }
  }
  throw new DatabaseError(
    "cluster-directory-unsafe",
    `No directory for the database could be made (tried ${candidates.join(", ")}): make one of them writable or set DATABASE_URL.`,
    { cause: last },
  );
}

/**
 * Creates a directory of our own, or accepts one that we created before.
 * @throws DatabaseError `cluster-directory-unsafe` when it is a link, somebody else's, or writable
 * by others: whoever can rename entries in it chooses which database we start.
 */
export function makeGuardedDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
    chmodSync(path, mode);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  requireOwned(path, process.getuid?.());
}

/** A directory that belongs to the database user, entered by nobody else. */
export function makeServerDirectory(path: string, user: DatabaseUser | null): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    if (user !== null) chownSync(path, user.uid, user.gid);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  requireOwned(path, user?.uid ?? process.getuid?.());
}

function requireOwned(path: string, uid: number | undefined): void {
  const stat = lstatSync(path);
  const othersMayWrite = (stat.mode & 0o022) !== 0;
  if (stat.isDirectory() && !othersMayWrite && (uid === undefined || stat.uid === uid)) return;
  throw new DatabaseError(
    "cluster-directory-unsafe",
    `The directory ${path} of the database is not trustworthy (expected a directory of user id ${uid} that others cannot write, got user id ${stat.uid} and mode ${(stat.mode & 0o7777).toString(8)}): find out who made it and remove it.`,
  );
}

// sockaddr_un holds 107 bytes and a terminator; the server appends "/.s.PGSQL.5432.lock" for its
// lock file, which is no socket, so the socket's own name decides.
const socketPathLimitBytes = 107;
const socketName = "/.s.PGSQL.5432";

/** Where the socket goes: beside the data, or in a short directory when that path is too long. */
export function chooseSocketDirectory(place: ClusterPlace): string {
  const beside = join(place.root, "socket");
  if (Buffer.byteLength(beside + socketName) <= socketPathLimitBytes) {
    makeServerDirectory(beside, place.user);
    return beside;
  }
  const short = mkdtempSync(join(realpathSync(tmpdir()), "jarvis-pg-"));
  if (place.user !== null) chownSync(short, place.user.uid, place.user.gid);
  return short;
}

/** Whether a recorded socket directory is still there and still the server's own. */
export function socketDirectoryUsable(path: string, user: DatabaseUser | null): boolean {
  if (!existsSync(path)) return false;
  requireOwned(path, user?.uid ?? process.getuid?.());
  return true;
}

/** Puts what an earlier, unrecorded start left behind out of the way. Data is never deleted here. */
export function setAside(path: string): void {
  if (!existsSync(path)) return;
  renameSync(path, `${path}.orphan-${new Date().toISOString().replaceAll(":", "")}`);
}
