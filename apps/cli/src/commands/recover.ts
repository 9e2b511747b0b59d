import type { CliConfig } from "../config.ts";
import { needKernel } from "../kernel-client.ts";
import type { Answer } from "../outcome.ts";
import * as wire from "../wire.ts";

/** Goes on from what was restored, once every landing that may have happened since was read back. */
export async function recover(config: CliConfig, reason: string): Promise<Answer> {
  const kernel = await needKernel(config);
  const answer = await kernel.post("/api/recover", { reason }, wire.recovered);
  return {
    json: answer,
    text: `The ledger goes on from ${answer.from} events, where ${answer.to} had been seen (record ${answer.recordId}). Look at the base, then: jarvis mode execute, jarvis resume.`,
  };
}
