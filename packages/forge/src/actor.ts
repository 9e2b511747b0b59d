import { createHash, timingSafeEqual } from "node:crypto";

import type { App } from "./app/app.ts";
import { isAppToken } from "./app/app-token.ts";

/** Who makes a request. Every status, comment and merge remembers its actor's login. */
export interface Actor {
  login: string;
  id: number;
  type: "Bot" | "User";
  email: string;
  /** May change the protection of a branch. The pipeline may not loosen what guards it. */
  administrator: boolean;
  /** What the caller showed: a token of the forge's own, one of the app's installation, or the app's signature. */
  means: "token" | "installation" | "app";
}

const PIPELINE: Actor = {
  login: "jarvis[bot]",
  id: 1,
  type: "Bot",
  email: "1+jarvis[bot]@users.noreply.localhost",
  administrator: false,
  means: "token",
};

const OPERATOR: Actor = {
  login: "operator",
  id: 2,
  type: "User",
  email: "2+operator@users.noreply.localhost",
  administrator: true,
  means: "token",
};

/** Finds who an `Authorization` header speaks for; undefined for nobody. */
export type Authenticate = (authorization: string | undefined) => Actor | undefined;

export function createAuthenticate(
  tokens: { pipeline: string; operator: string },
  app: App | undefined,
): Authenticate {
  const known = [
    { digest: sha256(tokens.pipeline), actor: PIPELINE },
    { digest: sha256(tokens.operator), actor: OPERATOR },
  ];
  return (authorization) => {
    const offered = readToken(authorization);
    if (offered === undefined) return undefined;
    if (app?.tokens.isGood(offered) === true) return { ...PIPELINE, means: "installation" };
    if (app !== undefined && offered.includes(".") && isAppToken(offered, app)) {
      return { ...PIPELINE, login: app.slug, means: "app" };
    }
    const digest = sha256(offered);
    // Digests have one length and every one is compared: time says nothing about the token.
    const matches = known.filter((candidate) => timingSafeEqual(candidate.digest, digest));
    return matches[0]?.actor;
  };
}

/** The signature of an app is good for asking for a token and for nothing else. */
export function withoutApp(authenticate: Authenticate): Authenticate {
  return (authorization) => {
    const actor = authenticate(authorization);
    return actor?.means === "app" ? undefined : actor;
  };
}

export function knownActor(login: string): Actor | undefined {
  return [PIPELINE, OPERATOR].find((actor) => actor.login === login);
}

export function actorByLogin(login: string): Actor {
  return knownActor(login) ?? { ...OPERATOR, login, id: 3 };
}

/** `Bearer T` and `token T` as Octokit sends, `Basic user:T` as git and browsers do. */
function readToken(authorization: string | undefined): string | undefined {
  const match = /^(bearer|token|basic) +(\S+)$/iu.exec(authorization ?? "");
  const [, scheme = "", value = ""] = match ?? [];
  if (value === "") return undefined;
  if (scheme.toLowerCase() !== "basic") return value;
  const decoded = Buffer.from(value, "base64").toString("utf8");
  return decoded.slice(decoded.indexOf(":") + 1);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
