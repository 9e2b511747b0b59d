import type { z } from "zod";
import type { CliConfig } from "../config.ts";
import { kernelOr, needKernel } from "../kernel-client.ts";
import { exitCodes, type Answer } from "../outcome.ts";
import { plain } from "../plain-text.ts";
import { describeStatus } from "../text.ts";
import * as wire from "../wire.ts";

export async function setMode(
  config: CliConfig,
  change: { mode: "observe" | "execute"; reason: string },
): Promise<Answer> {
  const { mode } = await kernelOr(
    config,
    async (kernel) => await kernel.post("/api/mode", change, wire.mode),
    async () => await (await withoutKernel()).setLocalMode(config, change),
  );
  const text =
    mode === "execute"
      ? "Jarvis may promote changes now."
      : "Jarvis only observes now: changes are tested, nothing is promoted.";
  if (mode === change.mode) return { json: { mode }, text };
  return {
    json: { mode },
    text: `The mode was changed by someone else at the same time and is ${mode}. ${text}`,
    exitCode: exitCodes.refused,
  };
}

export async function kill(config: CliConfig, reason: string): Promise<Answer> {
  const answer = await kernelOr<z.infer<typeof wire.killed>>(
    config,
    async (kernel) => await kernel.post("/api/kill-switch", { reason }, wire.killed),
    async () => await (await withoutKernel()).killLocally(config, reason),
  );
  return {
    json: { cancelledCount: answer.cancelledCount, stopped: answer.stopped },
    text: [
      `Killed: Jarvis observes, ${answer.cancelledCount} running or pending things were ended.`,
      ...answer.stopped.map(
        ({ kind, name, id, runId, was }) =>
          `  ${kind}${id === null ? "" : ` ${id}`}: ${plain(name)}${runId === null ? "" : `, of ${plain(runId)}`} (${was})`,
      ),
    ].join("\n"),
  };
}

export async function accept(config: CliConfig, sha: string): Promise<Answer> {
  const kernel = await needKernel(config);
  const answer = await kernel.post("/api/accept", { sha }, wire.attested);
  return { json: answer, text: `Accepted ${answer.sha} (tree ${answer.treeSha}).` };
}

/** The kernel's own account, or what the database says where no kernel answers. */
export async function status(config: CliConfig): Promise<Answer> {
  return await kernelOr<Answer>(
    config,
    async (kernel) => {
      const answer = await kernel.get("/api/status", wire.status);
      return { json: answer, text: describeStatus(answer) };
    },
    async (problem) => await (await withoutKernel()).readLocalStatus(config, problem),
  );
}

/** With the database, which is loaded where it is asked itself and nowhere else. */
async function withoutKernel() {
  return await import("../without-kernel/switches.ts");
}
