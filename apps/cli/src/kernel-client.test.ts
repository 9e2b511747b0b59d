import { expect, it } from "vitest";
import { answerLimitMs } from "./kernel-client.ts";

// A limit that is shorter than the work calls a kernel unreachable that does what it was asked.
it.each([
  ["/api/status", 30_000],
  ["/api/kill-switch", 30_000],
  ["/api/actions/7/reject", 30_000],
  ["/api/self-extension/promotion", 120_000],
  ["/api/actions/7/approve", 290_000],
  ["/api/rollback", 290_000],
  ["/api/accept", 290_000],
  ["/api/recover", 290_000],
  ["/api/takeover", 290_000],
  ["/api/tools/word-count/call", 290_000],
])("%s is answered within %d ms", (path, limitMs) => {
  expect(answerLimitMs(path)).toBe(limitMs);
});
