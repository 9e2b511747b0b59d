import { createHmac, randomBytes } from "node:crypto";
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The API's token, made once, readable by the owner of the state directory only. One that others could
 * read, that is a link or that is damaged is replaced: whoever has read it must not get in with it.
 */
export function readToken(stateDirectory: string): string {
  const path = join(stateDirectory, "token");
  try {
    const stat = lstatSync(path);
    const isPrivate = stat.isFile() && (stat.mode & 0o077) === 0;
    const token = isPrivate ? readFileSync(path, "utf8").trim() : "";
    if (/^[\w-]{32,}$/.test(token)) return token;
  } catch {
    // There is none yet.
  }
  const token = randomBytes(32).toString("base64url");
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, `${token}\n`, { mode: 0o600, flag: "wx" });
  renameSync(fresh, path);
  return token;
}

/**
 * What only a kernel with this token can answer to a challenge. The command line asks before it sends
 * the token: after a crash another program may listen on the port that is written down.
 */
export function proofOf(token: string, challenge: string): string {
  return createHmac("sha256", token).update(`jarvis-kernel:${challenge}`).digest("base64url");
}
