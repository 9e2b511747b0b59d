import { ForgeError } from "../forge-error.ts";
import type { GitObject } from "./objects.ts";
import type { Sha } from "./names.ts";

/** Who, when, and the offset from UTC in which they said it. */
export interface Signature {
  name: string;
  email: string;
  timestampSeconds: number;
  /** As git writes it: `+0200`. */
  offset: string;
}

export interface Commit {
  sha: Sha;
  tree: Sha;
  parents: Sha[];
  author: Signature;
  committer: Signature;
  /** Verbatim, whether or not it ends with a line break. */
  message: string;
}

export function parseCommit(object: GitObject): Commit {
  if (object.type !== "commit") {
    throw new ForgeError("git-failed", `expected a commit, got a ${object.type}: ${object.sha}`);
  }
  const text = object.data.toString("utf8");
  const end = text.indexOf("\n\n");
  const header = end === -1 ? text : text.slice(0, end);
  const values = (key: string): string[] =>
    header
      .split("\n")
      .filter((line) => line.startsWith(`${key} `))
      .map((line) => line.slice(key.length + 1));
  return {
    sha: object.sha,
    tree: values("tree")[0] ?? "",
    parents: values("parent"),
    author: parseSignature(values("author")[0] ?? ""),
    committer: parseSignature(values("committer")[0] ?? ""),
    message: end === -1 ? "" : text.slice(end + 2),
  };
}

/** The bytes of a commit object. The message is written as it is: no line break is added. */
export function formatCommit(commit: Omit<Commit, "sha">): string {
  return [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${formatSignature(commit.author)}`,
    `committer ${formatSignature(commit.committer)}`,
    "",
    commit.message,
  ].join("\n");
}

/** The first line, as lists and pages show it. */
export function subject(message: string): string {
  return message.split("\n", 1)[0] ?? "";
}

/** GitHub shows every date in UTC, whatever the offset in the object. */
export function isoDate(signature: Signature): string {
  return new Date(signature.timestampSeconds * 1000).toISOString().replace(".000Z", "Z");
}

/** `2024-05-01T10:00:00+02:00` as git stores it. Undefined when it is no date with a time zone. */
export function parseDate(
  text: string,
): Pick<Signature, "timestampSeconds" | "offset"> | undefined {
  const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/u.exec(text);
  const milliseconds = Date.parse(match?.[1] === undefined ? `${text}Z` : text);
  if (match === null || Number.isNaN(milliseconds) || milliseconds < 0) return undefined;
  const zone = match[1] ?? "Z";
  return {
    timestampSeconds: Math.floor(milliseconds / 1000),
    offset: zone === "Z" ? "+0000" : zone.replace(":", ""),
  };
}

function parseSignature(line: string): Signature {
  const match = /^(.*?) ?<([^>]*)> (\d+) ([+-]\d{4})$/u.exec(line);
  return {
    name: match?.[1] ?? "",
    email: match?.[2] ?? "",
    timestampSeconds: Number(match?.[3] ?? 0),
    offset: match?.[4] ?? "+0000",
  };
}

function formatSignature(signature: Signature): string {
  const { name, email, timestampSeconds, offset } = signature;
  return `${name} <${email}> ${timestampSeconds} ${offset}`;
}
