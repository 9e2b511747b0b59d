import { killSwitch, readSafetyState, setSafetyMode } from "@jarvis/operator-core";
import {
  getPromotionControlState,
  openRuns,
  standingOfSwitches,
  wayOut,
} from "@jarvis/tools/ledger";
import type { CliConfig } from "../config.ts";
import { kernelOr, needKernel } from "../kernel-client.ts";
import { killKernel } from "../kernel-processes.ts";
import { person, withLocalState } from "../local-state.ts";
import { exitCodes, type Answer } from "../outcome.ts";
import { describeStatus, describeWayOut, plain } from "../text.ts";
import * as wire from "../wire.ts";

export async function setMode(
  config: CliConfig,
  change: { mode: "observe" | "execute"; reason: string },
): Promise<Answer> {
  const { mode } = await kernelOr(
    config,
    async (kernel) => await kernel.post("/api/mode", change, wire.mode),
    async () =>
      await withLocalState(config, async ({ db }) => {
        const outcome = await setSafetyMode(db, { ...change, actor: person() });
        return { mode: outcome.outcome === "changed" ? change.mode : outcome.current.mode };
      }),
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

/** A kernel that does not answer cannot end its sandboxes, so it is ended with them. */
export async function kill(config: CliConfig, reason: string): Promise<Answer> {
  const answer = await kernelOr(
    config,
    async (kernel) => await kernel.post("/api/kill-switch", { reason }, wire.killed),
    async () =>
      await withLocalState(config, async ({ db, silentKernel }) => {
        const endKernel = async (): Promise<number> =>
          silentKernel === null ? 0 : await killKernel(silentKernel);
        return await killSwitch(db, { reason, actor: person() }, { onKill: [endKernel] });
      }),
  );
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
  return await kernelOr<Answer>(
    config,
    async (kernel) => {
      const answer = await kernel.get("/api/status", wire.status);
      return { json: answer, text: describeStatus(answer) };
    },
    async () => await withLocalState(config, localStatus),
  );
}

async function localStatus({
  db,
  silentKernel,
}: Parameters<Parameters<typeof withLocalState>[1]>[0]): Promise<Answer> {
  const promotion = await getPromotionControlState(db);
  const safety = await readSafetyState(db);
  const next = wayOut(
    standingOfSwitches({
      kernel: silentKernel === null ? "stopped" : "silent",
      mode: safety.mode,
      paused: promotion.paused,
    }),
  );
  const facts = {
    wayOut: next,
    kernel: null,
    silentKernel,
    promotion,
    safety,
    openRuns: (await openRuns(db)).map(({ runId, status: state }) => ({ runId, status: state })),
  };
  return {
    json: facts,
    text: [
      silentKernel === null
        ? "kernel     not running (start it with `pnpm jarvis up`)"
        : `kernel     process ${silentKernel} does not answer (\`jarvis kill\` ends it)`,
      `promotion  ${facts.promotion.paused ? `PAUSED by ${plain(facts.promotion.updatedBy)}: ${plain(facts.promotion.reason)}` : "open"}`,
      `mode       ${facts.safety.mode}`,
      `open runs  ${facts.openRuns.length}`,
      describeWayOut(next),
    ].join("\n"),
  };
}
