import type { PauseAnswer } from "@jarvis/tools/answers";
import type { CliConfig } from "../config.ts";
import { kernelOr } from "../kernel-client.ts";
import { exitCodes, type Answer } from "../outcome.ts";
import { nothingOnItsWay } from "../pause-answer.ts";
import { plain } from "../plain-text.ts";
import * as wire from "../wire.ts";

/** The kernel answers by then, with what it knows so far. */
const WAIT_MS = 20_000;
/** What a fence leaves open is decided by then; without one there is no such time. */
const PATIENCE_MS = 90_000;

/**
 * Pauses promotion, and waits until no promotion can land any more. Where the base does not require
 * the fence that may take as long as it takes; promotion is paused from the first moment on, and
 * whoever does not want to wait ends the command.
 */
export async function pause(config: CliConfig, reason: string): Promise<Answer> {
  const since = Date.now();
  for (;;) {
    const answer = await pauseOnce(config, reason);
    const isWorthWaiting =
      answer.paused &&
      (answer.fence === "none" ||
        (answer.fence === "enforced" && Date.now() - since < PATIENCE_MS));
    if (answer.acknowledged || !isWorthWaiting) {
      const exitCode = answer.acknowledged ? exitCodes.done : exitCodes.refused;
      return { json: answer, text: describePause(answer), exitCode };
    }
    process.stderr.write(
      `jarvis: Promotion is paused; waiting until it is known how ${answer.inFlight.join(", ")} ended.\n`,
    );
  }
}

/** Lifts the pause. It needs no host, so that it works without a kernel too. */
export async function resume(config: CliConfig, reason: string): Promise<Answer> {
  const change = { paused: false, reason };
  const answer = await kernelOr(
    config,
    async (kernel) => await kernel.post("/api/self-extension/promotion", change, wire.paused),
    async () => {
      const { resumeLocally } = await import("../without-kernel/switches.ts");
      return { ...nothingOnItsWay, ...(await resumeLocally(config, reason)) };
    },
  );
  if (answer.paused) {
    const text = "Somebody else has paused promotion meanwhile; it is still paused.";
    return { json: answer, text, exitCode: exitCodes.refused };
  }
  const landed = answer.reverts.map(({ runId }) => runId).join(", ");
  const meanwhile = landed === "" ? "" : ` Reverts that landed under the pause: ${landed}.`;
  return {
    json: answer,
    text: `Promotion is resumed; parked runs continue.${meanwhile}`,
  };
}

async function pauseOnce(config: CliConfig, reason: string): Promise<PauseAnswer> {
  const change = { paused: true, reason, waitMs: WAIT_MS };
  return await kernelOr(
    config,
    async (kernel) => await kernel.post("/api/self-extension/promotion", change, wire.paused),
    async () => {
      const { pauseLocally } = await import("../without-kernel/pause.ts");
      return await pauseLocally(config, reason);
    },
  );
}

function describePause(answer: PauseAnswer): string {
  if (!answer.paused) return "Somebody else has resumed promotion meanwhile; it is not paused.";
  const lines = [
    answer.acknowledged
      ? "Promotion is paused; no promotion lands any more."
      : "Promotion is paused, but it is not known yet how these ended; the next kernel goes on with it, or run `jarvis pause` again:",
    ...answer.unresolved.map(
      ({ runId, headSha, why }) => `unresolved ${runId} (${headSha}): ${plain(why)}`,
    ),
    ...answer.drained.map(
      ({ runId, outcome, mergeSha }) =>
        `drained    ${runId}: ${outcome === "landed" ? `landed as ${mergeSha ?? ""}` : "did not land"}`,
    ),
    ...answer.reverts.map(({ runId, mergeSha }) => `reverted   ${runId} landed as ${mergeSha}`),
    `fence      ${fenceMeanings[answer.fence]}`,
  ];
  return lines.join("\n");
}

const fenceMeanings = {
  enforced: "enforced: the repository host refuses what Jarvis does not let land",
  none: "none: the base does not require the status jarvis/promotion of everybody",
  unknown: "unknown: the repository host was not asked or did not answer",
} as const satisfies Record<PauseAnswer["fence"], string>;
