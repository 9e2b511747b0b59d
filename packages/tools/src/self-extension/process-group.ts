import type { ChildProcess } from "node:child_process";

/**
 * Ends a child that was started `detached`, and everything it started, when the time is over: a
 * helper that holds the pipes open would otherwise keep a killed program's caller waiting for ever.
 * Answers a function that stops the clock and says whether it had struck.
 */
export function endGroupAfter(child: ChildProcess, timeoutMs: number): () => boolean {
  let struck = false;
  const timer = setTimeout(() => {
    struck = true;
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has just ended by itself.
    }
  }, timeoutMs);
  return () => {
    clearTimeout(timer);
    return struck;
  };
}
