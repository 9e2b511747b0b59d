import { readFile } from "node:fs/promises";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { CredentialsMissing, statusOf } from "./host-problem.ts";

/** What requests to the repository host are signed with. */
export interface HostCredentials {
  /**
   * The token that is good now.
   * @throws CredentialsMissing where there is none to be had
   */
  token(): Promise<string>;
  /** The host does not know this token any more. True where `token` gives another one from now on. */
  refused(token: string): Promise<boolean>;
  /** The signature of a GitHub App itself, which is good for asking about it; null for a plain token. */
  appToken(): Promise<string | null>;
}

export function fixedToken(token: string): HostCredentials {
  return {
    token: async () => await Promise.resolve(token),
    refused: async () => await Promise.resolve(false),
    appToken: async () => await Promise.resolve(null),
  };
}

/**
 * A token in a file that others replace. It is read for every request, which takes microseconds, so
 * that no change is missed; a refused one is read again, because it may have been replaced just now.
 */
export function tokenInFile(path: string): HostCredentials {
  const token = async (): Promise<string> => await readSecret(path, "token");
  return {
    token,
    refused: async (old) => (await token()) !== old,
    appToken: async () => await Promise.resolve(null),
  };
}

export interface AppSettings {
  readonly apiUrl: string;
  readonly appId: string;
  readonly installationId: number;
  readonly privateKeyFile: string;
}

/**
 * A GitHub App that is installed on the repository. Its tokens live for an hour; a new one is asked
 * for a minute before, when the key file has changed, and when the host refuses the one in hand.
 */
export function appCredentials(settings: AppSettings): HostCredentials {
  const { appId, installationId, privateKeyFile, apiUrl } = settings;
  // Two requests at once share one sign-in.
  let signedIn: { key: string; auth: ReturnType<typeof createAppAuth> } | null = null;

  async function auth(): Promise<ReturnType<typeof createAppAuth>> {
    const key = await readSecret(privateKeyFile, "private key of the GitHub App");
    if (signedIn?.key !== key) {
      signedIn = {
        key,
        auth: createAppAuth({
          appId,
          installationId,
          privateKey: key,
          request: new Octokit({ baseUrl: apiUrl, userAgent: "jarvis", log: quiet }).request,
          log: quiet,
        }),
      };
    }
    return signedIn.auth;
  }

  /**
   * What goes wrong here must not look like the answer to the request that is to be signed: a 404 is
   * an installation that is gone, and no missing branch.
   */
  async function sign<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const status = statusOf(error);
      if (status === 404 || status === 422) {
        throw new CredentialsMissing(
          `The GitHub App ${appId} has no installation ${installationId} (${status}); install it on the repository, or mend GITHUB_APP_INSTALLATION_ID.`,
          { cause: error },
        );
      }
      if (error instanceof CredentialsMissing) throw error;
      if (error instanceof Error && "status" in error) throw error;
      throw new CredentialsMissing(
        `The private key of the GitHub App in ${privateKeyFile} does not sign; put the PEM file there that GitHub gave out.`,
        { cause: error },
      );
    }
  }

  return {
    token: async () =>
      await sign(async () => (await (await auth())({ type: "installation" })).token),
    async refused(old) {
      return await sign(async () => {
        const signer = await auth();
        // Another request may have been refused before and have a new one already.
        const { token } = await signer({ type: "installation" });
        if (token === old) await signer({ type: "installation", refresh: true });
        return true;
      });
    },
    appToken: async () => await sign(async () => (await (await auth())({ type: "app" })).token),
  };
}

const none = (): void => undefined;
/** Refusals are errors that reach the ledger; the console is nobody's. */
const quiet = { debug: none, info: none, warn: none, error: none };

async function readSecret(path: string, what: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw new CredentialsMissing(`The file ${path} with the ${what} cannot be read.`, { cause });
  }
  if (text === "") throw new CredentialsMissing(`The file ${path} with the ${what} is empty.`);
  return text;
}
