import type { CliConfig } from "../config.ts";
import { needKernel } from "../kernel-client.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import { plain } from "../plain-text.ts";
import * as wire from "../wire.ts";

/** Back to the release blessed before, or to an earlier one; the base follows by runs of its own. */
export async function rollback(
  config: CliConfig,
  options: { reason: string; to?: string },
): Promise<Answer> {
  const kernel = await needKernel(config);
  const answer = await kernel.post("/api/rollback", options, wire.rolledBack);
  return {
    json: answer,
    text: `Jarvis serves ${answer.toSha} again instead of ${answer.fromSha}; \`jarvis runs\` shows how the base follows.`,
  };
}

/** What was rolled back and is not taken again, goals that are paused, and a base that serves badly. */
export async function listHolds(config: CliConfig): Promise<Answer> {
  const kernel = await needKernel(config);
  const { holds } = await kernel.get("/api/holds", wire.holdList);
  const lines = holds.map(
    ({ runId, kind, since, title }) => `${runId}  ${kind.padEnd(6)}  ${since}  ${plain(title)}`,
  );
  return { json: holds, text: lines.length === 0 ? "Nothing is held." : lines.join("\n") };
}

export async function liftHold(
  config: CliConfig,
  runId: string,
  options: { reason: string },
): Promise<Answer> {
  const kernel = await needKernel(config);
  const answer = await kernel.post(
    `/api/holds/${encodeURIComponent(runId)}/lift`,
    options,
    wire.lifted,
  );
  return { json: answer, text: `${answer.runId} is held no more.` };
}

/** Asks the body for what one of its tools answers; the executor decides whether it may. */
export async function callTool(config: CliConfig, tool: string, input: string): Promise<Answer> {
  let given: unknown;
  try {
    given = JSON.parse(input);
  } catch (cause) {
    throw new CommandError(
      exitCodes.unreadable,
      "invalid-argument",
      `The input of ${tool} is not JSON; write it like --input '{"text": "hello"}'.`,
      { cause },
    );
  }
  const kernel = await needKernel(config);
  const path = `/api/tools/${encodeURIComponent(tool)}/call`;
  const answer = await kernel.post(path, { input: given }, wire.called);
  return { json: answer.output, text: JSON.stringify(answer.output, null, 2) };
}
