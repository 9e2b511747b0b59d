import { defineConfig } from "vitest/config";

export default defineConfig({
  // The tests start kernels by the helpers of the kernel's own tests, which are sources.
  resolve: { conditions: ["@jarvis/source", "node"] },
  ssr: { resolve: { conditions: ["@jarvis/source", "node"] } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts", "../../packages/db/src/testing/global-setup.ts"],
    // Files share a process: nothing here keeps state in a module that another file could meet, and
    // loading everything anew for each was a third of the time of the small ones.
    isolate: false,
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
