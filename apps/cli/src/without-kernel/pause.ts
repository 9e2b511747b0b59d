import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { PauseAnswer } from "@jarvis/tools/answers";
import { openIntents, recordAcknowledgement, setPromotionControlState } from "@jarvis/tools/ledger";
import type { CliConfig } from "../config.ts";
import { person, withLocalState, type LocalState } from "../local-state.ts";
import { nothingOnItsWay } from "../pause-answer.ts";
import * as wire from "../wire.ts";

/** A command holds the state directory no longer than a starting kernel waits for it. */
const WAIT_ALONE_MS = 5000;

/**
 * Without a kernel that answers: the switch first, which needs nothing but the database. Nobody is
 * let through to a landing any more; only what was let through before has to be asked the host about.
 */
export async function pauseLocally(config: CliConfig, reason: string): Promise<PauseAnswer> {
  return await withLocalState(config, async (state) => await pauseIn(config, reason, state));
}

async function pauseIn(
  config: CliConfig,
  reason: string,
  { db, silentKernel }: LocalState,
): Promise<PauseAnswer> {
  const change = { paused: true, reason, updatedBy: person() };
  const control = await setPromotionControlState(db, change);
  const open = (await openIntents(db)).filter(({ isRevert }) => !isRevert);
  if (open.length === 0) {
    const answer = { ...nothingOnItsWay, paused: true };
    await recordAcknowledgement(db, control, answer);
    return answer;
  }
  const drained = await drainBeside(config, change, silentKernel !== null);
  if (drained !== null) return drained;
  const why = "the repository host could not be asked";
  return {
    ...nothingOnItsWay,
    paused: true,
    acknowledged: false,
    unresolved: open.map(({ runId, headSha }) => ({ runId, headSha, why })),
    inFlight: open.map(({ runId }) => runId),
  };
}

/** Fences and drains by a program of the agent's, which has the host's credentials; null where it failed. */
async function drainBeside(
  config: CliConfig,
  change: { reason: string; updatedBy: string },
  hasSilentKernel: boolean,
): Promise<PauseAnswer | null> {
  // Apps start each other as programs, by their place in the release.
  const program = fileURLToPath(new URL("../../../agent/dist/pause.js", import.meta.url));
  const own = ["--reason", change.reason, "--actor", change.updatedBy];
  const waiting = ["--wait-ms", String(WAIT_ALONE_MS)];
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=DeprecationWarning",
      program,
      ...own,
      ...waiting,
      ...(hasSilentKernel ? ["--silent-kernel"] : []),
      "--",
      "--repo",
      config.repo,
      "--state-dir",
      config.stateDir,
    ],
    { stdio: ["ignore", "pipe", "inherit"], env: config.environment },
  );
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString("utf8")));
  await new Promise<void>((resolve) => child.once("close", () => resolve()));
  try {
    return wire.paused.parse(JSON.parse(printed));
  } catch {
    return null;
  }
}
