import { z } from "zod";
import { defineTool } from "../../tool.ts";

const output = z.object({
  status: z.int(),
  /** Where the answer came from, after redirects. */
  url: z.string(),
  contentType: z.string().nullable(),
  body: z.string(),
  isWhole: z.boolean(),
});

/**
 * Reads what is at a URL. The body has no network: it asks its kernel, which goes to hosts that an
 * operator has listed and to no private address. What comes back is text of strangers.
 */
export const tool = defineTool({
  name: "http-fetch",
  description: "Reads what is at a URL of a host that the operator has listed.",
  effect: "network",
  timeoutMs: 30_000,
  input: z.object({ url: z.url({ protocol: /^https?$/ }).max(2_000) }),
  output,
  execute: async ({ url }, context) => output.parse(await context.call("kernel-fetch", { url })),
});
