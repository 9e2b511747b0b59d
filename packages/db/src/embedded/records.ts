import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeDurably } from "../durable-file.ts";
import { codeOf } from "../errors.ts";

/** Passwords of the embedded server. The file is readable by its owner only. */
const Secrets = z.object({ superuser: z.string(), migrator: z.string(), runtime: z.string() });

export type Secrets = z.infer<typeof Secrets>;

/** Where the cluster of this state directory is. Written once the cluster is whole. */
const ClusterRecord = z.object({ root: z.string(), socketDirectory: z.string() });

export type ClusterRecord = z.infer<typeof ClusterRecord>;

export function readOrCreateSecrets(directory: string): Secrets {
  const path = join(directory, "secrets.json");
  const found = readJson(path);
  if (found !== null) return Secrets.parse(found);
  const secrets = {
    superuser: generatePassword(),
    migrator: generatePassword(),
    runtime: generatePassword(),
  };
  writeJson(path, secrets);
  return secrets;
}

export function readClusterRecord(directory: string): ClusterRecord | null {
  const found = readJson(join(directory, "cluster.json"));
  return found === null ? null : ClusterRecord.parse(found);
}

export function writeClusterRecord(directory: string, record: ClusterRecord): void {
  writeJson(join(directory, "cluster.json"), record);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

function writeJson(path: string, value: unknown): void {
  writeDurably(path, `${JSON.stringify(value)}\n`);
}

function generatePassword(): string {
  return randomBytes(24).toString("base64url");
}
