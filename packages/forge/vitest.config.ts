import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@jarvis/source", "node"] },
  ssr: { resolve: { conditions: ["@jarvis/source", "node"] } },
  test: {
    include: ["src/**/*.test.ts"],
    globalSetup: ["src/testing/contract-coverage.ts"],
    setupFiles: ["src/testing/setup-contract.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
