import { z } from "zod";

const seconds = z.number().positive().max(604_800);

/** The `healthWindow` section of `jarvis.config.json`; every value has a default. */
export const healthWindowConfig = z
  .strictObject({
    minimumExposures: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(300)
      .describe("Tool calls and cycles of the new process before it can be blessed."),
    minimumSeconds: seconds.default(60).describe("Time before it can be blessed."),
    maximumSeconds: seconds
      .default(900)
      .describe("Time after which a window that is still undecided has failed."),
    tolerance: z
      .number()
      .min(0.001)
      .max(0.5)
      .default(0.02)
      .describe(
        "How far above the baseline's an error rate must be shown not to lie: 0.02 is 2 %.",
      ),
    alpha: z
      .number()
      .min(1e-6)
      .max(0.2)
      .default(0.01)
      .describe("How likely at most a release as good as the baseline is called degraded."),
    heartbeatSeconds: seconds
      .min(2)
      .default(10)
      .describe("A heartbeat older than this is gone; the kernel looks once a second."),
    startSeconds: seconds.default(20).describe("The body has to start within this time."),
    memoryFactor: z
      .number()
      .min(1.05)
      .max(100)
      .default(2)
      .describe("Memory above the baseline's peak times this is too much."),
    latencyFactor: z
      .number()
      .min(1.05)
      .max(100)
      .default(2)
      .describe("Answers slower than the baseline's times this are too slow."),
  })
  .refine(({ minimumSeconds, maximumSeconds }) => minimumSeconds <= maximumSeconds, {
    path: ["maximumSeconds"],
    message: "expected at least minimumSeconds",
  })
  .describe("When a promoted release is blessed, and when it is rolled back.");

export type HealthWindowConfig = z.infer<typeof healthWindowConfig>;
