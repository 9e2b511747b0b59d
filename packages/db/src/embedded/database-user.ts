import { readFileSync } from "node:fs";
import { DatabaseError } from "../errors.ts";

/** The user that PostgreSQL runs as when Jarvis was started by root. */
export type DatabaseUser = { readonly uid: number; readonly gid: number };

/**
 * Null for an ordinary user, who runs PostgreSQL as himself. For root it is `nobody`: the server
 * refuses to run as root, and initdb needs a user that has a name.
 */
export function databaseUser(): DatabaseUser | null {
  if (process.getuid?.() !== 0) return null;
  const entry = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === "nobody");
  const uid = Number(entry?.[2]);
  const gid = Number(entry?.[3]);
  if (!Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0) {
    throw new DatabaseError(
      "embedded-unsupported",
      `PostgreSQL cannot run as root and /etc/passwd has no user "nobody" to run it as: add one, start Jarvis as an ordinary user, or set DATABASE_URL.`,
    );
  }
  return { uid, gid };
}
