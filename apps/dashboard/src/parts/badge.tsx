import type { ReactNode } from "react";

export type Tone = "good" | "warn" | "bad" | "info" | "quiet";

const tones: Readonly<Record<string, Tone>> = {
  blessed: "good",
  promoted: "good",
  "window-passed": "good",
  attested: "good",
  passed: "good",
  completed: "good",
  healthy: "good",
  serving: "good",
  reached: "good",
  accepted: "good",
  tested: "info",
  proposed: "info",
  watched: "info",
  validated: "info",
  approved: "info",
  executing: "info",
  running: "info",
  working: "info",
  parked: "warn",
  unreadable: "warn",
  "rolling-back": "warn",
  undecided: "warn",
  paused: "warn",
  blocked: "bad",
  failed: "bad",
  error: "bad",
  rejected: "bad",
  "window-failed": "bad",
  "rolled-back": "bad",
  "rollback-failed": "bad",
  degraded: "bad",
  "given-up": "bad",
  refused: "bad",
};

/** A word for a state. Its colour only repeats what it says. */
export function Badge({ children, tone }: { children: string; tone?: Tone }): ReactNode {
  return (
    <span className={`badge ${tone ?? tones[children] ?? "quiet"}`}>
      {children.replaceAll(/[-_]/g, " ")}
    </span>
  );
}
