import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesDigest } from "../files-digest.ts";

/** A program that could be the kernel. */
export interface Candidate {
  readonly directory: string;
  /** The kernel's program in it, relative to `directory`. */
  readonly program: string;
  /** What its files must add up to; null for the program beside the launcher, which a person built. */
  readonly filesDigest: string | null;
}

/**
 * The releases that the pointer names and no kernel has left out, newest first; none if there is no
 * pointer.
 *
 * @throws {Error} if the pointer is there and cannot be read.
 */
export function readCandidates(pointer: string): Candidate[] {
  let text: string;
  try {
    text = readFileSync(pointer, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const named: unknown = JSON.parse(text);
  if (!Array.isArray(named) || !named.every(isCandidate)) throw new Error("it has another form");
  return named.filter((each) => !("leftOut" in each) || each.leftOut === null);
}

export function pointerIn(stateDir: string): string {
  return join(stateDir, "releases", "kernel-pointer.json");
}

/** Why a release must not run, or null: its files have to be what they were when it was blessed. */
export function damageOf(candidate: Candidate): string | null {
  if (candidate.filesDigest === null) return null;
  try {
    const isWhole = filesDigest(candidate.directory) === candidate.filesDigest;
    return isWhole ? null : "its files are not what they were when it was blessed";
  } catch {
    return "its files cannot be read";
  }
}

function isCandidate(value: unknown): value is Candidate {
  if (typeof value !== "object" || value === null) return false;
  const named = value as Record<string, unknown>;
  return ["directory", "program", "filesDigest"].every((key) => typeof named[key] === "string");
}
