import { z } from "zod";
import type { CliConfig } from "../config.ts";
import { needKernel } from "../kernel-client.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";

const link = z.object({ url: z.string(), role: z.string(), expiresAt: z.string() });

/** A link that lets one browser in, once. The token itself never gets into a page. */
export async function login(config: CliConfig, options: { role: string }): Promise<Answer> {
  const role = z.enum(["read", "operate", "approve"]).safeParse(options.role);
  if (!role.success) {
    throw new CommandError(
      exitCodes.unreadable,
      "invalid-argument",
      "Say what the browser may do: --role read|operate|approve.",
    );
  }
  const kernel = await needKernel(config, role.data === "approve" ? "approver-token" : "token");
  const made = await kernel.post("/api/login-links", { role: role.data }, link);
  return {
    json: made,
    text: `${made.url}\nOpen it within five minutes; it lets one browser in, once, to ${made.role}.`,
  };
}
