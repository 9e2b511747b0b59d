import { messageOf, queryFailure } from "@jarvis/db";
import {
  killSwitch,
  OperatorError,
  readSafetyState,
  setSafetyMode,
  type Stopped,
} from "@jarvis/operator-core";
import {
  getPromotionControlState,
  openRuns,
  setPromotionControlState,
  standingOfSwitches,
  wayOut,
} from "@jarvis/tools/ledger";
import type { z } from "zod";
import type { CliConfig } from "../config.ts";
import { killKernel } from "../kernel-processes.ts";
import type { SearchProblem } from "../kernel-search.ts";
import { inStateDirectory, person, withLocalState, type LocalState } from "../local-state.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import { plain } from "../plain-text.ts";
import { describeMode, describeWayOut } from "../text.ts";
import type { killed, WireStatus } from "../wire.ts";

// The switches, turned and read in the database itself.

/** A database that does not answer by then holds nothing back: the kernel is ended. */
const PATIENCE_MS = 6000;

/** Answers the mode that holds afterwards, which may be somebody else's. */
export async function setLocalMode(
  config: CliConfig,
  change: { mode: "observe" | "execute"; reason: string },
): Promise<{ mode: "observe" | "execute" }> {
  return await withLocalState(config, async ({ db }) => {
    const outcome = await setSafetyMode(db, { ...change, actor: person() });
    return { mode: outcome.outcome === "changed" ? change.mode : outcome.current.mode };
  });
}

/**
 * A kernel that does not answer cannot end its sandboxes, so it is ended with them: after the mode
 * was set, so that the next one finds it, but also where the database cannot be asked at all.
 */
export async function killLocally(
  config: CliConfig,
  reason: string,
): Promise<z.infer<typeof killed>> {
  return await inStateDirectory(config, async ({ silentKernel, withDatabase }) => {
    let ending: Promise<readonly Stopped[]> | null = null;
    const endKernel = async (): Promise<readonly Stopped[]> => await (ending ??= end(silentKernel));
    const late = setTimeout(() => void endKernel().catch(() => undefined), PATIENCE_MS);
    try {
      return await withDatabase(async ({ db }) => {
        const change = { reason, actor: person() };
        const { cancelledCount, stopped } = await killSwitch(db, change, { onKill: [endKernel] });
        return { cancelledCount, stopped: [...stopped] };
      });
    } catch (error) {
      // The kill switch itself has run every part and says what failed.
      if (silentKernel === null || error instanceof OperatorError) throw error;
      const sandboxes = await endKernel();
      throw new CommandError(
        exitCodes.unavailable,
        "kill-switch-incomplete",
        `The kernel (process ${silentKernel}) and ${sandboxes.length} of its sandboxes were ended, but the mode was not set; mend this and run jarvis kill again: ${queryFailure(error) ?? messageOf(error)}`,
        { cause: error },
      );
    } finally {
      clearTimeout(late);
    }
  });
}

async function end(silentKernel: number | null): Promise<readonly Stopped[]> {
  return silentKernel === null ? [] : sandboxesOf(silentKernel, await killKernel(silentKernel));
}

/** Which run a sandbox worked for is only known to the kernel that did not answer. */
function sandboxesOf(kernel: number, sandboxes: readonly number[]): Stopped[] {
  const name = `a sandbox of kernel ${kernel}`;
  return sandboxes.map((id) => ({ kind: "process", name, id, runId: null, was: "running" }));
}

/** Of two who turn the switch at the same time the later one's word stands, in the ledger as here. */
export async function resumeLocally(
  config: CliConfig,
  reason: string,
): Promise<{ paused: boolean }> {
  return await withLocalState(config, async ({ db }) => {
    const change = { paused: false, reason, updatedBy: person() };
    return { paused: (await setPromotionControlState(db, change)).paused };
  });
}

/** What the database says of a Jarvis whose kernel does not answer. */
export async function readLocalStatus(
  config: CliConfig,
  problem: SearchProblem | null,
): Promise<Answer> {
  return await withLocalState(config, async (state) => await localStatus(state, problem));
}

async function localStatus(
  { db, silentKernel }: LocalState,
  found: SearchProblem | null,
): Promise<Answer> {
  // One that has ended since is only not running.
  const problem = silentKernel === null ? null : found;
  const promotion = await getPromotionControlState(db);
  const safety = await readSafetyState(db);
  const standing = standingOfSwitches({
    kernel: silentKernel === null ? "stopped" : "silent",
    mode: safety.mode,
    killed: safety.trusted && safety.killSwitch === true,
    paused: promotion.paused,
  });
  const next = problem === null ? wayOut(standing) : wayBackTo(problem);
  const facts = {
    wayOut: next,
    kernel: null,
    silentKernel,
    kernelProblem: problem,
    promotion,
    safety,
    openRuns: (await openRuns(db)).map(({ runId, status: state }) => ({ runId, status: state })),
  };
  return {
    json: facts,
    text: [
      kernelLine(silentKernel, problem),
      `promotion  ${facts.promotion.paused ? `PAUSED by ${plain(facts.promotion.updatedBy)}: ${plain(facts.promotion.reason)}` : "open"}`,
      safety.trusted ? describeMode(safety) : `mode       observe (${safety.problem})`,
      `open runs  ${facts.openRuns.length}`,
      describeWayOut(next),
    ].join("\n"),
  };
}

/** It is well: what is wrong lies between it and whoever asks. */
function wayBackTo({ code, what, mend }: SearchProblem): WireStatus["wayOut"] {
  const because = `The kernel runs and cannot be asked: ${what}; ${mend}.`;
  return { state: code, because, command: null };
}

function kernelLine(silentKernel: number | null, problem: SearchProblem | null): string {
  if (silentKernel === null) return "kernel     not running (start it with `jarvis up`)";
  return problem === null
    ? `kernel     process ${silentKernel} does not answer (\`jarvis kill --reason TEXT\` ends it)`
    : `kernel     process ${silentKernel} runs and cannot be asked`;
}
