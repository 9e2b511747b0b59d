import { createHmac } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@jarvis/db";
import {
  callerOf,
  findCaller,
  knownToken,
  newToken,
  OperatorError,
  readTokens,
  type Caller,
  type KnownToken,
} from "@jarvis/operator-core";

/** Whose a token is; `problem` says why tokens that were given out count for nobody right now. */
export interface Recognised {
  readonly caller: Caller | null;
  readonly problem: string | null;
}

/** Who may speak to the kernel. */
export interface Tokens {
  /** The one that a kernel proves to know: the command line's own. */
  readonly operator: string;
  recognise(token: string): Recognised;
  /** Whose token has this SHA-256, in hexadecimal; null where it is nobody's any more. */
  callerOfHash(sha256: string): Caller | null;
}

/**
 * The tokens of a state directory: those that this machine's command line uses, made at the first
 * start, and those that were given out by name. The latter are read for every request, so that a
 * revoked one is nobody's at once.
 */
export function openTokens(stateDirectory: string): Tokens {
  const operator = readToken(stateDirectory);
  const own: readonly KnownToken[] = [
    knownToken(operator, callerOf("operator", "operate")),
    knownToken(readToken(stateDirectory, "approver-token"), callerOf("approver", "approve")),
  ];
  return {
    operator,
    recognise(token) {
      const { known, problem } = givenOut(stateDirectory);
      return { caller: findCaller(token, [...own, ...known]), problem };
    },
    callerOfHash(sha256) {
      const { known } = givenOut(stateDirectory);
      return [...own, ...known].find((each) => each.sha256 === sha256)?.caller ?? null;
    },
  };
}

function givenOut(stateDirectory: string): { known: KnownToken[]; problem: string | null } {
  try {
    const known = readTokens(stateDirectory).map(({ name, role, sha256, quota }) => ({
      sha256,
      caller: callerOf(name, role, quota),
    }));
    return { known, problem: null };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return { known: [], problem: error.message };
  }
}

/**
 * A token of the command line, made once, readable by the owner of the state directory only. One that
 * others could read, that is a link or that is damaged is replaced: whoever has read it must not get
 * in with it.
 */
export function readToken(
  stateDirectory: string,
  name: "token" | "approver-token" = "token",
): string {
  const path = join(stateDirectory, name);
  try {
    const stat = lstatSync(path);
    const isPrivate = stat.isFile() && (stat.mode & 0o077) === 0;
    const token = isPrivate ? readFileSync(path, "utf8").trim() : "";
    if (/^[\w-]{32,}$/.test(token)) return token;
  } catch {
    // There is none yet.
  }
  const token = newToken();
  writeDurably(path, `${token}\n`);
  return token;
}

/**
 * What only a kernel with this token can answer to a challenge. The command line asks before it sends
 * the token: after a crash another program may listen on the port that is written down. `placeProof`
 * is good for the address that this kernel listens on alone: a program that relays the question to it
 * from another port proves nothing. `proof` is for a command line of a release before.
 */
export function proofsOf(
  token: string,
  { challenge, url }: { readonly challenge: string; readonly url: string },
): { readonly proof: string; readonly placeProof: string } {
  const sign = (said: string): string =>
    createHmac("sha256", token).update(said).digest("base64url");
  return {
    proof: sign(`jarvis-kernel:${challenge}`),
    placeProof: sign(JSON.stringify(["jarvis-kernel", new URL(url).host, challenge])),
  };
}
