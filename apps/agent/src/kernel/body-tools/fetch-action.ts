import { defineAction, type ActionDefinition } from "@jarvis/operator-core";
import { z } from "zod";
import { guardedFetch, type Fetched } from "./guarded-fetch.ts";

export const FETCH_URL = "fetch_url";

const parameters = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2_000),
  /** Of the operator's hosts, those that the tool's manifest names; redirects are held to them too. */
  hosts: z.array(z.string().max(300)).max(50).optional(),
});

/** The network for a body that has none: hosts that an operator listed, by the kernel's own hands. */
export function fetchAction(hosts: readonly string[]): ActionDefinition {
  return defineAction({
    name: FETCH_URL,
    description: "reads a URL of a listed host for the body",
    parameters,
    effect: "network",
    risk: "low",
    needsApproval: false,
    // Reading twice is reading.
    idempotent: false,
    timeoutMs: 20_000,
    run: async ({ url, hosts: within = null }, { signal }): Promise<Fetched> =>
      await guardedFetch(url, { hosts, within }, signal),
  });
}
