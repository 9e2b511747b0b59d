import { expect, it } from "vitest";
import { healthSignal, now, type BodySignal } from "./signals.ts";

const at = now();

it.each<[BodySignal, object]>([
  [{ at, kind: "started", startedInMs: 5 }, { kind: "started" }],
  [{ at, kind: "heartbeat", sequence: 3 }, { kind: "heartbeat" }],
  [{ at, kind: "start-failed", reason: "not-ready", detail: "" }, { kind: "exited" }],
  // Nothing was started: no fault of the release.
  [{ at, kind: "start-failed", reason: "sandbox-unavailable", detail: "" }, { kind: "tick" }],
  [{ at, kind: "exited", reason: "memory", detail: "" }, { kind: "exited" }],
  [
    { at, kind: "tool-call", tool: "t", outcome: "late", latencyMs: 9, detail: "" },
    { kind: "tool-call", outcome: "late", latencyMs: 9 },
  ],
  [
    { at, kind: "cycle", outcome: "refused" },
    { kind: "cycle", outcome: "refused" },
  ],
  [
    { at, kind: "memory", bytes: 7 },
    { kind: "memory", bytes: 7 },
  ],
  [
    { at, kind: "self-report", status: "unwell", detail: "" },
    { kind: "self-report", status: "unwell" },
  ],
  [{ at, kind: "heartbeat-late", silentMs: 1 }, { kind: "tick" }],
  [{ at, kind: "observer-gap", gapMs: 1 }, { kind: "tick" }],
  [{ at, kind: "protocol-violation", count: 1, detail: "" }, { kind: "tick" }],
  [{ at, kind: "gave-up", crashes: 5 }, { kind: "tick" }],
  [{ at, kind: "resumed" }, { kind: "resumed" }],
])("a window hears of %j that %j", (signal, heard) => {
  expect(healthSignal(signal)).toEqual({ at, ...heard });
});
