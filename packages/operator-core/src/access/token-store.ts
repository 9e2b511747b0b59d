import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { syncDirectory, writeAll } from "@jarvis/db";
import { z } from "zod";
import { messageOf, OperatorError } from "../errors.ts";
import { defaultQuota, Quota } from "./quota.ts";
import { Role } from "./roles.ts";

/** A name that a token can have: what the ledgers record as the actor. */
export const TokenName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,31}$/,
    "expected a small letter, then up to 31 small letters, digits or -",
  )
  .refine((name) => !reservedNames.has(name), "expected a name that is not used by Jarvis itself");

/** Names that already mean somebody in the ledgers. */
const reservedNames: ReadonlySet<string> = new Set([
  "operator",
  "approver",
  "system",
  "kernel",
  "agent",
  "jarvis",
  "body",
  "executor",
  "pipeline",
  "smoke",
  "validation",
]);

const TokenRecord = z.strictObject({
  name: TokenName,
  role: Role,
  /** Of the token, in hexadecimal: who reads this file cannot use it. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.iso.datetime(),
  quota: Quota.optional(),
});
export type TokenRecord = z.infer<typeof TokenRecord>;

const TokenFile = z
  .array(TokenRecord)
  .refine(
    (records) => new Set(records.map(({ name }) => name)).size === records.length,
    "expected each name once",
  );

/** Who speaks: the name that is recorded, and what it may. */
export type Caller = { readonly name: string; readonly role: Role; readonly quota: Quota };

const fileName = "tokens.json";

/** A token that is not kept anywhere: only its hash is. */
export function newToken(): string {
  return `jarvis_${randomBytes(32).toString("base64url")}`;
}

export function callerOf(name: string, role: Role, quota?: Quota): Caller {
  return { name, role, quota: quota ?? defaultQuota(role) };
}

/**
 * The tokens that were given out beside those of this machine's command line. No file is nobody.
 * @throws OperatorError `tokens-unreadable` for a file that others may read, that is a link or that
 * is malformed: then it lets nobody in.
 */
export function readTokens(stateDirectory: string): TokenRecord[] {
  const path = join(stateDirectory, fileName);
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    if (!stat.isFile()) throw new Error("it is no plain file");
    if ((stat.mode & 0o077) !== 0) throw new Error("others may read or write it");
    const parsed = TokenFile.safeParse(JSON.parse(readFileSync(path, "utf8")));
    if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
    return parsed.data;
  } catch (error) {
    throw new OperatorError(
      "tokens-unreadable",
      `The tokens in ${path} count for nobody until it is mended, with mode 0600: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/**
 * Adds a token and answers it, once.
 * @throws OperatorError `token-name-invalid`, `token-refused`, `tokens-unreadable`
 */
export function addToken(
  stateDirectory: string,
  { name, role }: { name: string; role: Role },
  now: Date = new Date(),
): string {
  const parsed = TokenName.safeParse(name);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const sentence = `The name ${JSON.stringify(name)} cannot be used: ${issue?.message ?? ""}.`;
    // What is no name was never a request; one of Jarvis's own is refused as one that is taken.
    throw issue?.code === "custom"
      ? refused(sentence)
      : new OperatorError("token-name-invalid", sentence);
  }
  const token = newToken();
  const record = {
    name,
    role,
    sha256: hashOf(token).toString("hex"),
    createdAt: now.toISOString(),
  };
  changeTokens(stateDirectory, (records) => {
    if (records.some((other) => other.name === name)) {
      throw refused(`There is a token ${name} already: revoke it first, or choose another name.`);
    }
    return [...records, record];
  });
  return token;
}

/** @throws OperatorError `token-refused` where there is none of that name. */
export function revokeToken(stateDirectory: string, name: string): void {
  changeTokens(stateDirectory, (records) => {
    const others = records.filter((record) => record.name !== name);
    if (others.length === records.length) {
      throw refused(`There is no token ${name}: \`jarvis token list\` shows which there are.`);
    }
    return others;
  });
}

/** A token and whose it is, as they are compared: `sha256` in hexadecimal. */
export type KnownToken = { readonly sha256: string; readonly caller: Caller };

export function knownToken(token: string, caller: Caller): KnownToken {
  return { sha256: hashOf(token).toString("hex"), caller };
}

/**
 * Whose token this is; null where it is nobody's. Every known one is compared, each in constant time,
 * so that an answer's time says nothing about which.
 */
export function findCaller(token: string, known: readonly KnownToken[]): Caller | null {
  const given = hashOf(token);
  let found: Caller | null = null;
  for (const { sha256, caller } of known) {
    const wanted = Buffer.from(sha256, "hex");
    if (wanted.length === given.length && timingSafeEqual(wanted, given)) found ??= caller;
  }
  return found;
}

// The file that takes the place of the old one is the lock as well: a revocation must not be lost to
// somebody who read before it and writes after it.
function changeTokens(
  stateDirectory: string,
  change: (records: readonly TokenRecord[]) => readonly TokenRecord[],
): void {
  const path = join(stateDirectory, fileName);
  const fresh = `${path}.new`;
  const descriptor = openAlone(fresh);
  try {
    const records = change(readTokens(stateDirectory));
    writeAll(descriptor, Buffer.from(`${JSON.stringify(records, null, 2)}\n`), 0);
    fsyncSync(descriptor);
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  syncDirectory(stateDirectory);
}

function openAlone(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw refused(
      `The tokens are being changed by another command; where none runs any more, remove ${path} and try again.`,
    );
  }
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function refused(message: string): OperatorError {
  return new OperatorError("token-refused", message);
}
