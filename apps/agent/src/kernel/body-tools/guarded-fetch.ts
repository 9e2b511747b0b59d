import { lookup as lookupAll } from "node:dns/promises";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./public-address.ts";

/** What comes back has to fit a line of the body's channel. */
const BODY_BYTES = 100_000;
const REDIRECTS = 5;
const TIME_MS = 15_000;

export interface FetchRules {
  /** Host names, or `*.` and a name for everything below it. */
  readonly hosts: readonly string[];
  /** What whoever asks may have of them, by the manifest of its tool; null for all. */
  readonly within?: readonly string[] | null;
  readonly isPublic?: (address: string) => boolean;
  readonly resolve?: (host: string) => Promise<readonly { address: string; family: number }[]>;
}

export interface Fetched {
  readonly status: number;
  readonly url: string;
  readonly contentType: string | null;
  readonly body: string;
  readonly isWhole: boolean;
}

/** A request that the rules refuse; the sentence is for whoever asked. */
export class FetchRefused extends Error {
  override readonly name = "FetchRefused";
}

/**
 * Reads a URL for somebody who may not reach the network: of listed hosts, at public addresses, within
 * a size and a time. A name is looked up once for each connection, and the connection goes to what was
 * looked at: a name that answers otherwise the second time leads nowhere else. Each redirect is looked
 * at like the first address.
 */
export async function guardedFetch(
  given: string,
  rules: FetchRules,
  signal: AbortSignal,
): Promise<Fetched> {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(TIME_MS)]);
  let url = new URL(given);
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    requireAllowed(url, rules);
    const response = await open(url, rules, ended);
    const { statusCode: status = 0, headers } = response;
    if (status >= 300 && status < 400 && headers.location !== undefined) {
      response.destroy();
      url = new URL(headers.location, url);
      continue;
    }
    const { body, isWhole } = await readBody(response, ended);
    return { status, url: url.href, contentType: headers["content-type"] ?? null, body, isWhole };
  }
  throw new FetchRefused(`${given} leads on more than ${REDIRECTS} times.`);
}

function requireAllowed(url: URL, { hosts, within = null }: FetchRules): void {
  const refuse = (why: string): never => {
    throw new FetchRefused(`${url.protocol}//${url.host} is not read: ${why}.`);
  };
  if (url.protocol !== "http:" && url.protocol !== "https:") refuse("it is no web address");
  if (url.username !== "" || url.password !== "") refuse("it holds credentials");
  const name = url.hostname.toLowerCase().replace(/\.$/, "");
  if (!isListed(name, hosts)) refuse("JARVIS_FETCH_HOSTS does not list its host");
  if (within !== null && !isListed(name, within)) {
    refuse("the manifest of the tool that asks does not name its host");
  }
}

function isListed(name: string, hosts: readonly string[]): boolean {
  return hosts.some((host) =>
    host.startsWith("*.") ? name.endsWith(host.slice(1)) : name === host,
  );
}

async function open(url: URL, rules: FetchRules, signal: AbortSignal): Promise<IncomingMessage> {
  const { isPublic = isPublicAddress, resolve = resolveName } = rules;
  const host = url.hostname.replaceAll(/^\[|\]$/g, "");
  const addresses =
    isIP(host) === 0 ? await resolve(host) : [{ address: host, family: isIP(host) }];
  // One that is not public among them is reason enough: which one is taken is chance.
  const [first] = addresses;
  if (first === undefined || !addresses.every(({ address }) => isPublic(address))) {
    throw new FetchRefused(`${url.host} is not read: its address is not public.`);
  }
  const pinned: LookupFunction = (_name, options, callback) => {
    if (options.all === true) callback(null, [{ address: first.address, family: first.family }]);
    else callback(null, first.address, first.family);
  };
  return await new Promise((resolveResponse, reject) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const request = send(url, {
      lookup: pinned,
      signal,
      agent: false,
      headers: { "user-agent": "jarvis", accept: "*/*", "accept-encoding": "identity" },
    });
    request.once("response", resolveResponse);
    request.once("error", reject);
    request.end();
  });
}

async function resolveName(host: string): Promise<readonly { address: string; family: number }[]> {
  return await lookupAll(host, { all: true, verbatim: true });
}

async function readBody(
  response: IncomingMessage,
  signal: AbortSignal,
): Promise<{ body: string; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = (): void => void response.destroy(new Error("the request took too long"));
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of response) {
      const bytes = chunk as Buffer;
      size += bytes.length;
      chunks.push(bytes);
      if (size > BODY_BYTES) break;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    response.destroy();
  }
  const body = Buffer.concat(chunks).subarray(0, BODY_BYTES);
  return { body: body.toString("utf8").replaceAll("\0", ""), isWhole: size <= BODY_BYTES };
}
