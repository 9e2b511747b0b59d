import { performance } from "node:perf_hooks";

import { checkRequest, type CheckedRequest } from "./check-request.ts";
import type { Ender } from "./ender.ts";
import { defaultLimits } from "./limits.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { prepare, type Machine } from "./prepare.ts";
import { supervise, type Connection, type Ended } from "./supervise.ts";
import { reasonOf, tailOf } from "./text.ts";
import type { SandboxEnding, SandboxMeasures, SandboxRequest, SandboxResult } from "./types.ts";

/** Runs a request on a machine that is able to, until it ends or `ender` says so. Never rejects. */
export async function runOnMachine(
  machine: Machine,
  request: SandboxRequest,
  ender: Ender,
): Promise<SandboxResult> {
  const limit = request.limits?.outputBytes ?? defaultLimits.outputBytes;
  const output = new OutputBuffer(limit, () => ender.end("output-limit"));
  const end = await carryOut(machine, () => checkRequest(request), ender, {
    signal: request.signal,
    stdout: (chunk) => output.push("stdout", chunk),
    stderr: (chunk) => output.push("stderr", chunk),
  });
  return {
    ...end,
    stdout: output.text("stdout"),
    stderr: output.text("stderr"),
    truncated: output.truncated,
  };
}

/** Sets a checked request up, sees it to its end and says how that was. Never rejects. */
export async function carryOut(
  machine: Machine,
  check: () => CheckedRequest,
  ender: Ender,
  connection: Connection & { signal: AbortSignal | undefined },
): Promise<SandboxMeasures & SandboxEnding> {
  const { signal } = connection;
  const startedAt = performance.now();
  const abort = (): void => ender.end("aborted");
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  let ended: Ended | undefined;
  let ending: SandboxEnding;
  try {
    const supervised = await prepare(machine, check());
    if (ender.reason === undefined) ended = await supervise(supervised, ender, connection);
    ending = judge(ended, ender);
  } catch (error) {
    ending = { outcome: "sandbox-error", message: reasonOf(error) };
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  return {
    ...ending,
    durationMs: performance.now() - startedAt,
    tier: machine.launcher.tier,
    version: machine.version,
    peakMemoryBytes: ended?.peakMemoryBytes ?? 0,
  };
}

/** How it ended, in the order of what is known best. */
function judge(ended: Ended | undefined, { reason }: Ender): SandboxEnding {
  if (ended?.gone === false) {
    return {
      outcome: "sandbox-error",
      message: `A process of the sandbox could not be ended${reason === undefined ? "" : ` (${reason})`}.`,
    };
  }
  if (reason !== undefined) return { outcome: "killed", reason };
  const complaint = tailOf(ended?.setupText ?? "", 400);
  // Who sets up is silent when all is well: after a complaint, a status may not be the candidate's.
  if (ended?.exitStatus === undefined || !ended.began || complaint !== "") {
    return {
      outcome: "sandbox-error",
      message:
        complaint === ""
          ? "bubblewrap ended without an exit status."
          : `The sandbox could not be set up: ${complaint}`,
    };
  }
  // 64 is the highest signal.
  return ended.exitStatus > 128 && ended.exitStatus <= 128 + 64
    ? { outcome: "signaled", signal: ended.exitStatus - 128 }
    : { outcome: "exited", exitCode: ended.exitStatus };
}
