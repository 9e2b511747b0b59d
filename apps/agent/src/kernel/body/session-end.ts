import type { SandboxProcessEnd } from "@jarvis/sandbox";
import { printable } from "./printable.ts";
import type { CrashReason } from "./signals.ts";

/** How a process ended that had been ready. */
export type SessionEnd =
  /** Its keeper ended it. */
  | { readonly end: "told" }
  /** Somebody else did who ends all sandboxes: the kill switch. */
  | { readonly end: "switched-off" }
  | { readonly end: "crashed"; readonly reason: CrashReason; readonly detail: string };

/** What the end of a sandbox means where nobody here had ended it. */
export function judgeEnd(ended: SandboxProcessEnd): SessionEnd {
  const said = printable(ended.stderrTail.slice(-1000), 1000);
  const saying = said === "" ? "" : `: ${said}`;
  const crashed = (reason: CrashReason, detail: string): SessionEnd => ({
    end: "crashed",
    reason,
    detail: `${detail}${saying}`,
  });
  switch (ended.outcome) {
    case "exited":
      return crashed("exited", `it ended with exit code ${ended.exitCode}`);
    case "signaled":
      return crashed("exited", `it was ended by signal ${ended.signal}`);
    case "sandbox-error":
      return crashed("sandbox", ended.message);
    case "killed":
      switch (ended.reason) {
        case "aborted":
          return { end: "switched-off" };
        case "memory":
          return crashed("memory", "it held more memory than it may");
        case "output-limit":
          return crashed("protocol-violation", "it sent more than it may");
        case "wall-timeout":
        case "disk-limit":
          return crashed("sandbox", `it was ended by ${ended.reason}`);
      }
  }
}
