import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  openIntents,
  recordAcknowledgement,
  setPromotionControlState,
  type PauseAnswer,
} from "@jarvis/tools/ledger";
import type { CliConfig } from "../config.ts";
import { kernelOr } from "../kernel-client.ts";
import { person, withLocalState, type LocalState } from "../local-state.ts";
import { exitCodes, type Answer } from "../outcome.ts";
import { plain } from "../text.ts";
import * as wire from "../wire.ts";

/** The kernel answers by then, with what it knows so far. */
const WAIT_MS = 20_000;
/** A command holds the state directory no longer than a starting kernel waits for it. */
const WAIT_ALONE_MS = 5000;
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
    async () =>
      await withLocalState(config, async ({ db }) => {
        const { paused } = await setPromotionControlState(db, { ...change, updatedBy: person() });
        return { ...nothingOnItsWay, paused };
      }),
  );
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
    async () => await withLocalState(config, async (state) => await alone(config, reason, state)),
  );
}

/**
 * Without a kernel that answers: the switch first, which needs nothing but the database. Nobody is
 * let through to a landing any more; only what was let through before has to be asked the host about.
 */
async function alone(
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

const nothingOnItsWay = {
  acknowledged: true,
  drained: [],
  unresolved: [],
  reverts: [],
  fence: "unknown",
  inFlight: [],
} satisfies Omit<PauseAnswer, "paused">;

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
