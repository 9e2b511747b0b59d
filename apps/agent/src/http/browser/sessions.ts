import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@jarvis/db";
import { callerOf, Role, type Caller } from "@jarvis/operator-core";
import { z } from "zod";
import { withRoomFor, type Grant } from "./login-links.ts";
import { hashOf, newSecret, sameHash } from "./secret.ts";

/** A working day; then somebody with the token makes a new link. */
const SESSION_MS = 12 * 3_600_000;
/** More of one token are never open at a time: its oldest gives way, and nobody else's. */
const LIMIT = 100;
const FILE = "sessions.json";

const record = z.strictObject({
  cookieHash: z.string().regex(/^[0-9a-f]{64}$/),
  keyHash: z.string().regex(/^[0-9a-f]{64}$/),
  tokenHash: z.string().regex(/^[0-9a-f]{64}$/),
  role: Role,
  expiresAt: z.iso.datetime(),
});
type Session = z.infer<typeof record>;

export interface OpenSession {
  readonly caller: Caller;
  readonly expiresAt: string;
  /** What the browser sends along by itself. */
  readonly cookie: string;
  /** What the page has to send in a header; a page of another port never sees it. */
  readonly key: string;
}

/**
 * The browsers that were let in. A session is told by two secrets: a cookie, which no script can read,
 * and a key, which no other port of this machine is sent. It lasts as long as the token that made its
 * link; hashes of both are kept in the state directory, so that a restart of the kernel ends nothing.
 */
export class BrowserSessions {
  #sessions: Session[];
  readonly #path: string;
  readonly #callerOfHash: (tokenHash: string) => Caller | null;
  readonly #now: () => number;

  constructor(options: {
    stateDirectory: string;
    /** Whose token has this hash now; null once it was revoked. */
    callerOfHash: (tokenHash: string) => Caller | null;
    now?: () => number;
  }) {
    this.#path = join(options.stateDirectory, FILE);
    this.#callerOfHash = options.callerOfHash;
    this.#now = options.now ?? Date.now;
    this.#sessions = readSessions(this.#path);
  }

  /** Lets a browser in; null where the token of the link is nobody's any more. */
  open(grant: Grant): OpenSession | null {
    const caller = this.#asCaller(grant);
    if (caller === null) return null;
    const [cookie, key] = [newSecret(), newSecret()];
    const expiresAt = new Date(this.#now() + SESSION_MS).toISOString();
    this.#keep([
      ...withRoomFor(
        grant,
        this.#sessions.filter((session) => this.#isOpen(session)),
        LIMIT,
      ),
      { ...grant, cookieHash: hashOf(cookie), keyHash: hashOf(key), expiresAt },
    ]);
    return { caller, expiresAt, cookie, key };
  }

  find(cookie: string, key: string): { caller: Caller; expiresAt: string } | null {
    const session = this.#match(cookie, key);
    const caller = session === null ? null : this.#asCaller(session);
    return session === null || caller === null ? null : { caller, expiresAt: session.expiresAt };
  }

  /** Ends a session. */
  close(cookie: string, key: string): void {
    const session = this.#match(cookie, key);
    this.#keep(this.#sessions.filter((other) => other !== session));
  }

  #match(cookie: string, key: string): Session | null {
    const [cookieHash, keyHash] = [hashOf(cookie), hashOf(key)];
    let found: Session | null = null;
    for (const session of this.#sessions) {
      const hasCookie = sameHash(session.cookieHash, cookieHash);
      const hasKey = sameHash(session.keyHash, keyHash);
      if (hasCookie && hasKey && this.#isOpen(session)) found ??= session;
    }
    return found;
  }

  /** A session never may more than the token it came from. */
  #asCaller({ tokenHash, role }: Grant): Caller | null {
    const owner = this.#callerOfHash(tokenHash);
    if (owner === null || !mayGive(owner.role, role)) return null;
    return callerOf(owner.name, role, owner.quota);
  }

  #isOpen({ expiresAt }: Session): boolean {
    return Date.parse(expiresAt) > this.#now();
  }

  #keep(sessions: readonly Session[]): void {
    this.#sessions = sessions.filter((session) => this.#isOpen(session));
    writeDurably(this.#path, JSON.stringify(this.#sessions));
  }
}

/** The role of a token, or to look only. */
export function mayGive(tokenRole: Role, role: Role): boolean {
  return role === tokenRole || role === "read";
}

/** What cannot be read, or others could have written, lets nobody in. */
function readSessions(path: string): Session[] {
  try {
    const stat = lstatSync(path);
    if (!stat.isFile() || (stat.mode & 0o077) !== 0) return [];
    return z.array(record).parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return [];
  }
}
