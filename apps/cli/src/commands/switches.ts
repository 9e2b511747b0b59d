import { userInfo } from "node:os";
import { killSwitch, readSafetyState, setSafetyMode } from "@jarvis/operator-core";
import {
  getPromotionControlState,
  openRuns,
  setPromotionControlState,
} from "@jarvis/tools/self-extension";
import type { CliConfig } from "../config.ts";
import { findKernel, needKernel } from "../kernel-client.ts";
import { withLocalState } from "../local-state.ts";
import { exitCodes, type Answer } from "../outcome.ts";
import { describeStatus } from "../text.ts";
import * as wire from "../wire.ts";

/**
 * Sets or lifts the promotion pause. Where no kernel answers the switch is written to the database;
 * a run that a silent kernel may still be landing cannot be seen from here, so that is not
 * acknowledged.
 */
export async function setPause(
  config: CliConfig,
  change: { paused: boolean; reason: string },
): Promise<Answer> {
  const kernel = await findKernel(config);
  const answer =
    kernel === null
      ? await withLocalState(config, async (db) => {
          await setPromotionControlState(db, { ...change, updatedBy: person() });
          const inFlight = change.paused
            ? (await openRuns(db)).filter((run) => run.status === "tested").map((run) => run.runId)
            : [];
          return { paused: change.paused, acknowledged: inFlight.length === 0, inFlight };
        })
      : await kernel.post("/api/self-extension/promotion", change, wire.paused);
  const text = !change.paused
    ? "Promotion is resumed; parked runs continue."
    : answer.acknowledged
      ? "Promotion is paused; nothing was on its way to land."
      : `Promotion is paused, but these runs may still land: ${answer.inFlight.join(", ")}. Run \`jarvis pause\` again to ask once more.`;
  return { json: answer, text, exitCode: answer.acknowledged ? exitCodes.done : exitCodes.refused };
}

export async function setMode(
  config: CliConfig,
  change: { mode: "observe" | "execute"; reason: string },
): Promise<Answer> {
  const kernel = await findKernel(config);
  const { mode } =
    kernel === null
      ? await withLocalState(config, async (db) => {
          const outcome = await setSafetyMode(db, { ...change, actor: person() });
          return { mode: outcome.outcome === "changed" ? change.mode : outcome.current.mode };
        })
      : await kernel.post("/api/mode", change, wire.mode);
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
  const kernel = await findKernel(config);
  const answer =
    kernel === null
      ? await withLocalState(
          config,
          async (db) => await killSwitch(db, { reason, actor: person() }),
        )
      : await kernel.post("/api/kill-switch", { reason }, wire.killed);
  return {
    json: { cancelledCount: answer.cancelledCount },
    text: `Killed: Jarvis observes, ${answer.cancelledCount} running or pending things were ended.`,
  };
}

export async function accept(config: CliConfig, sha: string): Promise<Answer> {
  const kernel = await needKernel(config);
  const answer = await kernel.post("/api/accept", { sha }, wire.attested);
  return { json: answer, text: `Accepted ${answer.sha} (tree ${answer.treeSha}).` };
}

/** The kernel's own account, or what the database says where no kernel answers. */
export async function status(config: CliConfig): Promise<Answer> {
  const kernel = await findKernel(config);
  if (kernel !== null) {
    const answer = await kernel.get("/api/status", wire.status);
    return { json: answer, text: describeStatus(answer) };
  }
  const facts = await withLocalState(config, async (db) => ({
    kernel: null,
    promotion: await getPromotionControlState(db),
    safety: await readSafetyState(db),
    openRuns: (await openRuns(db)).map(({ runId, status: state }) => ({ runId, status: state })),
  }));
  return {
    json: facts,
    text: [
      "kernel     not running (start it with `pnpm jarvis up`)",
      `promotion  ${facts.promotion.paused ? `paused: ${facts.promotion.reason}` : "open"}`,
      `mode       ${facts.safety.mode}`,
      `open runs  ${facts.openRuns.length}`,
    ].join("\n"),
  };
}

function person(): string {
  return userInfo().username;
}
