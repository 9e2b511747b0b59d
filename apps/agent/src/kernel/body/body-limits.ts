import { defaultBodyResources } from "@jarvis/tools/self-extension";

/** What a body may take and do. Times are monotonic, in milliseconds. */
export interface BodyLimits {
  /** From its beginning until it is ready. */
  readonly startMs: number;
  /** How often it beats; told to it. */
  readonly heartbeatMs: number;
  /** Silence that is worth a signal. */
  readonly heartbeatLateMs: number;
  /** Silence after which it is ended and another process is begun: longer than a health window's. */
  readonly heartbeatGoneMs: number;
  /** One call of a tool, unless its caller says less. */
  readonly performMs: number;
  /** From being told to stop until it is killed. */
  readonly stopMs: number;
  /** How often its memory is measured, and a tick is given. */
  readonly tickMs: number;
  /** Of the whole tree; above it the sandbox ends it. */
  readonly memoryBytes: number;
  /** Processes and threads. */
  readonly processes: number;
  /** Lines that are no message, or out of turn, before it is ended. */
  readonly violations: number;
  /** Asks, reports and proposals that wait for the kernel at the same time. */
  readonly requests: number;
  /** How many of them are begun in a second, on average; what comes faster waits. */
  readonly requestsPerSecond: number;
  /** Calls that wait for the body at the same time. */
  readonly performs: number;
  /** The pause before another process is begun: doubles with each crash, up to the longest. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** So many ends within the time are a crash loop. */
  readonly crashes: number;
  readonly crashesWithinMs: number;
}

export const defaultBodyLimits: BodyLimits = {
  startMs: 10_000,
  heartbeatMs: 1_000,
  heartbeatLateMs: 3_000,
  heartbeatGoneMs: 13_000,
  performMs: 10_000,
  stopMs: 2_000,
  tickMs: 1_000,
  ...defaultBodyResources,
  violations: 3,
  requests: 32,
  // Each is some writes to the ledger.
  requestsPerSecond: 20,
  performs: 64,
  firstPauseMs: 100,
  longestPauseMs: 5_000,
  crashes: 5,
  crashesWithinMs: 60_000,
};
