import { createHash, randomUUID } from "node:crypto";
import { access, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { deflate } from "node:zlib";

import type { Sha } from "./names.ts";

const compress = promisify(deflate);

/**
 * Writes a blob as a loose object (gitformat-loose(5)) and answers its name. The file appears whole,
 * under its final name, and is on disk before anything can name it.
 */
export async function writeBlob(gitDirectory: string, data: Buffer): Promise<Sha> {
  const object = Buffer.concat([Buffer.from(`blob ${data.length}\0`), data]);
  const sha = createHash("sha1").update(object).digest("hex");
  const path = join(gitDirectory, "objects", sha.slice(0, 2), sha.slice(2));
  if (await exists(path)) return sha;
  await mkdir(dirname(path), { recursive: true });
  // Git takes what begins like this for the leftover of a write that did not end.
  const temporary = join(dirname(path), `tmp_obj_${randomUUID()}`);
  try {
    await using file = await open(temporary, "wx", 0o444);
    await file.writeFile(await compress(object));
    await file.datasync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return sha;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
