import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@jarvis/source", "node"] },
  ssr: { resolve: { conditions: ["@jarvis/source", "node"] } },
  test: {
    include: ["src/**/*.test.ts"],
    // Minutes each: `pnpm sweep` runs them.
    exclude:
      process.env["JARVIS_SWEEP"] === "1" ? [] : ["src/github-away.test.ts", "src/restore.test.ts"],
    globalSetup: ["src/testing/global-setup.ts", "../../packages/db/src/testing/global-setup.ts"],
    // Files share a process: nothing here keeps state in a module that another file could meet, and
    // loading everything anew for each was a third of the time of the small ones.
    isolate: false,
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
