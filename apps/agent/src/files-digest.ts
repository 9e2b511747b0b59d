import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * One digest of every file below a directory, by path, executable bit and content; dependency trees
 * are left out. Uses nothing but Node, because the launcher asks it before anything else runs.
 */
export function filesDigest(directory: string): string {
  const lines: string[] = [];
  const visit = (relative: string): void => {
    for (const name of readdirSync(join(directory, relative)).toSorted()) {
      if (name === "node_modules") continue;
      const path = relative === "" ? name : `${relative}/${name}`;
      const at = join(directory, path);
      const stat = lstatSync(at);
      if (stat.isDirectory()) visit(path);
      else if (stat.isSymbolicLink()) lines.push(line(path, "link", readlinkSync(at)));
      else lines.push(line(path, stat.mode & 0o111 ? "executable" : "file", readFileSync(at)));
    }
  };
  visit("");
  return `sha256:${hash(lines.join("\n"))}`;
}

function line(path: string, kind: string, content: string | Buffer): string {
  return JSON.stringify([path, kind, hash(content)]);
}

function hash(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
