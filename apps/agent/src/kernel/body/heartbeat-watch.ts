import type { BodyLimits } from "./body-limits.ts";
import { now, type BodySignal, type CrashReason } from "./signals.ts";

interface Watching {
  readonly limits: Pick<BodyLimits, "heartbeatLateMs" | "heartbeatGoneMs">;
  readonly onSignal: (signal: BodySignal) => void;
}

/** Says when a body falls silent, and has it ended when it is for too long. Answers how to stop. */
export function watchHeartbeat(
  body: { lastHeardMs: number },
  { limits, onSignal }: Watching,
  condemn: (reason: CrashReason, detail: string) => void,
): () => void {
  const { heartbeatLateMs, heartbeatGoneMs } = limits;
  const everyMs = Math.max(10, heartbeatLateMs / 4);
  let lookedMs = performance.now();
  let isLate = false;
  const look = (): void => {
    const nowMs = performance.now();
    const gapMs = nowMs - lookedMs;
    lookedMs = nowMs;
    // We did not run ourselves: its beats lie in the pipe, unheard.
    if (gapMs > everyMs * 3) {
      body.lastHeardMs = nowMs;
      onSignal({ at: now(), kind: "observer-gap", gapMs });
      return;
    }
    const silentMs = nowMs - body.lastHeardMs;
    if (silentMs > heartbeatGoneMs) {
      condemn("heartbeat-lost", `it was silent for ${Math.round(silentMs)} ms`);
    } else if (silentMs > heartbeatLateMs && !isLate) {
      onSignal({ at: now(), kind: "heartbeat-late", silentMs });
    }
    isLate = silentMs > heartbeatLateMs;
  };
  const timer = setInterval(look, everyMs);
  return () => clearInterval(timer);
}
