import type { Octokit } from "@octokit/rest";

import type { Exchange } from "../exchange.ts";
import { createGitHubContract } from "./github-contract.ts";

export interface ObservedContract {
  /** Everything a request or its answer had that GitHub's description does not allow. */
  readonly violations: readonly string[];
  /** What was seen, such as `pulls/merge 405`. */
  readonly pairs: ReadonlySet<string>;
}

interface Sent {
  method: string;
  url: string;
  headers: Record<string, string | undefined>;
  body?: unknown;
}

interface Received {
  status: number;
  headers: Record<string, string | undefined>;
  data: unknown;
}

/**
 * Holds every request that this Octokit sends, and every answer it gets, against GitHub's own
 * description. Only looks: what is found is for the test to read, so that the code under test meets
 * the same answers and errors as without. Requests that never got an answer are held too.
 */
export function validateAgainstGitHub(octokit: Octokit): ObservedContract {
  const contract = createGitHubContract();
  const violations: string[] = [];
  const pairs = new Set<string>();
  const check = (sent: Sent, received: Received | undefined): void => {
    const exchange = toExchange(baseUrlOf(octokit), sent, received);
    const verdict = contract.check(exchange);
    const found = [
      ...verdict.requestViolations,
      ...(received === undefined ? [] : verdict.responseViolations),
    ];
    violations.push(
      ...found.map((each) => `${exchange.method} ${exchange.path}: ${verdict.pair}: ${each}`),
    );
    if (received !== undefined) pairs.add(verdict.pair);
  };
  octokit.hook.wrap("request", async (request, options) => {
    const sent = octokit.request.endpoint.parse(options) as Sent;
    try {
      const response = await request(options);
      check(sent, response as Received);
      return response;
    } catch (error) {
      check(sent, (error as { response?: Received }).response);
      throw error;
    }
  });
  return { violations, pairs };
}

function baseUrlOf(octokit: Octokit): string {
  return octokit.request.endpoint.DEFAULTS.baseUrl;
}

function toExchange(baseUrl: string, sent: Sent, received: Received | undefined): Exchange {
  const { method, url, headers, body } = sent;
  const data = received?.data;
  return {
    method,
    path: url.startsWith(baseUrl) ? url.slice(baseUrl.length) || "/" : url,
    accept: headers["accept"] ?? "",
    requestText: body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body),
    status: received?.status ?? 0,
    contentType: received?.headers["content-type"] ?? "",
    responseText: data === undefined || data === "" ? "" : textOf(data),
  };
}

function textOf(data: unknown): string {
  return typeof data === "string" ? data : JSON.stringify(data);
}
