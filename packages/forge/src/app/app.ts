import { createHash, createPublicKey, randomBytes, type KeyObject } from "node:crypto";

import { ForgeError } from "../forge-error.ts";

/** As a forge is told of it at its start. */
export interface AppOptions {
  id: number;
  /** PEM. The private key is the client's alone. */
  publicKey: string;
  /** How long an installation token is good; an hour unless told, as on GitHub. */
  tokenSeconds?: number | undefined;
}

/** The one GitHub App of this forge, installed on its one repository. */
export interface App {
  readonly id: number;
  readonly slug: string;
  readonly installationId: number;
  readonly publicKey: KeyObject;
  readonly tokens: InstallationTokens;
}

/** What the app was granted. It may not read or change protection: that is `administration`. */
export const APP_PERMISSIONS = {
  contents: "write",
  metadata: "read",
  pull_requests: "write",
  statuses: "write",
} as const;

/** @throws ForgeError where the key is none */
export function openApp(options: AppOptions): App {
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey(options.publicKey);
  } catch (cause) {
    throw new ForgeError("invalid-key", "The app's public key cannot be read; give PEM.", {
      cause,
    });
  }
  return {
    id: options.id,
    slug: "jarvis",
    installationId: 1,
    publicKey,
    tokens: new InstallationTokens((options.tokenSeconds ?? 3_600) * 1000),
  };
}

/** Tokens that were given out, by their hash. A restart forgets them, as GitHub may at any time. */
export class InstallationTokens {
  readonly #lifeMs: number;
  readonly #expiresAt = new Map<string, number>();

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  issue(): { token: string; expiresAt: Date } {
    const now = Date.now();
    for (const [digest, end] of this.#expiresAt) {
      if (end <= now) this.#expiresAt.delete(digest);
    }
    const token = `ghs_${randomBytes(27).toString("base64url")}`;
    const expiresAt = new Date(now + this.#lifeMs);
    this.#expiresAt.set(digestOf(token), expiresAt.getTime());
    return { token, expiresAt };
  }

  isGood(token: string): boolean {
    return Date.now() < (this.#expiresAt.get(digestOf(token)) ?? 0);
  }
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
