import {
  accessSync,
  constants,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { codeOf, DatabaseError, messageOf } from "./errors.ts";
import { tryLockFile } from "./file-lock.ts";

/** Who holds a state directory: what a second one is told. */
const Holder = z.object({
  pid: z.number().int(),
  what: z.string(),
  since: z.string(),
});

export type StateDirectoryHolder = z.infer<typeof Holder>;

export type StateDirectoryLock = {
  readonly holder: StateDirectoryHolder;
  release(): void;
};

/**
 * Makes the state directory ready and answers its real path.
 *
 * Created with mode 0700. Refuses one that another user owns or others may enter, because tokens,
 * passwords and pointers lie in it.
 */
export function openStateDirectory(path: string): string {
  try {
    makeDirectories(resolve(path));
  } catch (error) {
    throw new DatabaseError(
      "state-directory-unsafe",
      `The state directory ${path} could not be created (${messageOf(error)}): choose another with --state-dir.`,
      { cause: error },
    );
  }
  const real = realpathSync(path);
  const stat = lstatSync(real);
  const uid = process.getuid?.();
  if (!stat.isDirectory()) {
    throw unsafe(real, "is not a directory", `remove it or choose another with --state-dir`);
  }
  if (uid !== undefined && stat.uid !== uid) {
    throw unsafe(
      real,
      `belongs to user id ${stat.uid}, expected ${uid}`,
      `run as that user or choose another with --state-dir`,
    );
  }
  if ((stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8);
    throw unsafe(real, `has mode ${mode}, expected 700`, `run chmod 700 '${real}'`);
  }
  try {
    accessSync(real, constants.W_OK);
  } catch (error) {
    throw unsafe(
      real,
      `cannot be written (${codeOf(error) ?? messageOf(error)})`,
      `make it writable or choose another with --state-dir`,
    );
  }
  return real;
}

/** One by one: below `/proc` Node's own `recursive` tries the same for ever. */
function makeDirectories(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const directory of missing) {
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      // Another process made it meanwhile.
      if (codeOf(error) !== "EEXIST" || !existsSync(directory)) throw error;
    }
  }
}

/**
 * Takes the exclusive lock of a state directory for the life of this process.
 *
 * The lock is the operating system's and dies with the holder, kill -9 included; the text in the
 * file only says who it is.
 * @throws DatabaseError `state-directory-locked`, naming the first holder.
 */
export function lockStateDirectory(
  directory: string,
  holder: { pid: number; what: string },
): StateDirectoryLock {
  const path = join(directory, "lock");
  const lock = tryLockFile(path);
  if (lock === null) {
    const first = readHolder(path);
    throw new DatabaseError(
      "state-directory-locked",
      first === null
        ? `The state directory ${directory} is in use by another process: stop it or choose another with --state-dir.`
        : `The state directory ${directory} is in use by ${first.what} (pid ${first.pid}, since ${first.since}): stop it or choose another with --state-dir.`,
    );
  }
  const mine = { ...holder, since: new Date().toISOString() };
  ftruncateSync(lock.descriptor);
  writeSync(lock.descriptor, `${JSON.stringify(mine)}\n`, 0);
  return { holder: mine, release: () => lock.release() };
}

function readHolder(path: string): StateDirectoryHolder | null {
  try {
    return Holder.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    // The first one may be between taking the lock and writing its name.
    return null;
  }
}

function unsafe(path: string, what: string, advice: string): DatabaseError {
  return new DatabaseError(
    "state-directory-unsafe",
    `The state directory ${path} ${what}: ${advice}.`,
  );
}
