import type { Role } from "@jarvis/operator-core";
import { hashOf, newSecret, sameHash } from "./secret.ts";

/** Long enough to change to a browser, short enough that a link in a terminal's history is worthless. */
export const LINK_MS = 5 * 60_000;
/** More of one token are never open at a time: its oldest gives way, and nobody else's. */
const LIMIT = 20;

/** What whoever opens a link becomes. */
export interface Grant {
  /** Hash of the token that made the link: the session ends with it. */
  readonly tokenHash: string;
  readonly role: Role;
}

interface Link extends Grant {
  readonly hash: string;
  readonly expiresAt: number;
}

/** What is left of a list where a token may hold so many of it, and wants one more. */
export function withRoomFor<T extends Grant>(
  { tokenHash }: Grant,
  held: readonly T[],
  limit: number,
): T[] {
  const kept = new Set(held.filter((each) => each.tokenHash === tokenHash).slice(1 - limit));
  return held.filter((each) => each.tokenHash !== tokenHash || kept.has(each));
}

/** Links that let one browser in, once. They are kept in memory only: a restart ends them. */
export class LoginLinks {
  #open: Link[] = [];
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** A code for one use. */
  make(grant: Grant): { code: string; expiresAt: Date } {
    const code = newSecret();
    const expiresAt = this.#now() + LINK_MS;
    const fresh = this.#open.filter((link) => link.expiresAt > this.#now());
    this.#open = [...withRoomFor(grant, fresh, LIMIT), { ...grant, hash: hashOf(code), expiresAt }];
    return { code, expiresAt: new Date(expiresAt) };
  }

  /** Uses a code up; null for one that is nobody's, used or too old. */
  take(code: string): Grant | null {
    const given = hashOf(code);
    let found: Link | null = null;
    // Every one is compared, so that an answer's time says nothing about how many there are before it.
    for (const link of this.#open) if (sameHash(link.hash, given)) found ??= link;
    if (found === null) return null;
    this.#open = this.#open.filter((link) => link !== found);
    if (found.expiresAt <= this.#now()) return null;
    return { tokenHash: found.tokenHash, role: found.role };
  }
}
