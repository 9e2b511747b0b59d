import { CommandError, exitCodes } from "./outcome.ts";

/** What a person mends by another name; everything else, a full disk for one, is the world's. */
const misnamed: ReadonlySet<string> = new Set([
  "EACCES",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "ENOENT",
  "ENOTDIR",
  "EPERM",
  "EROFS",
]);

/** Writes the file that a person named; where that cannot be, says so instead of what the system says. */
export async function writingTo<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    // Only what is about a path: a database has codes of its own.
    if (!(cause instanceof Error && "syscall" in cause && "path" in cause && "code" in cause)) {
      throw cause;
    }
    const code = String(cause.code);
    throw new CommandError(
      misnamed.has(code) ? exitCodes.unreadable : exitCodes.unavailable,
      "file-unwritable",
      `${file} cannot be written (${code}): name a file in a directory that is there, that has room and that you may write to.`,
      { cause },
    );
  }
}
