import { lstat, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The directory that the body's tools share. In its sandbox the directory for temporary files is the
 * body's own; outside of one others write there too, so each user's has a name of its own.
 */
export const BODY_WORKSPACE = join(tmpdir(), `jarvis-workspace-${process.getuid?.() ?? 0}`);

/**
 * Makes it where it is not there yet, and answers its path.
 * @throws Error where that name is no directory, or another user's
 */
export async function openBodyWorkspace(directory = BODY_WORKSPACE): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const found = await lstat(directory);
  if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) {
    throw new Error(`${directory} is not a directory of this user; remove it.`);
  }
  return directory;
}
