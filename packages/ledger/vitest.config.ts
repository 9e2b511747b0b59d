import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@jarvis/source", "node"] },
  ssr: { resolve: { conditions: ["@jarvis/source", "node"] } },
  test: {
    include: ["src/**/*.test.ts"],
    globalSetup: ["../db/src/testing/global-setup.ts"],
    // Files share a process: nothing here keeps state in a module that another file could meet, and
    // loading everything anew for each was a fifth of the time.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
