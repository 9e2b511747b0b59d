import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ForgeError } from "../forge-error.ts";
import type { Git } from "./git.ts";
import type { Sha } from "./names.ts";

/**
 * Writes an object that git checks. The bytes go by a file, since a git that stays has one input only,
 * which names the files. Git takes what begins like this for the leftover of a write that did not end.
 */
export async function writeChecked(
  git: Git,
  type: "tree" | "commit" | "tag",
  data: Buffer | string,
): Promise<Sha> {
  const file = join("objects", `tmp_obj_${randomUUID()}`);
  const path = join(git.gitDirectory, file);
  await writeFile(path, data, { flag: "wx", mode: 0o600 });
  try {
    const { code, stdout, stderr } = await git.ask(
      ["hash-object", "-w", "-t", type, "--no-filters", "--stdin-paths"],
      `${file}\n`,
      (answer) => answer.endsWith("\n"),
    );
    if (code === undefined) return stdout.trimEnd();
    throw new ForgeError(
      "git-failed",
      `git hash-object ended with ${code ?? "a signal"}: ${stderr.trim()}`,
    );
  } finally {
    await rm(path, { force: true });
  }
}
