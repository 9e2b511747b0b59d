import { defineConfig } from "vitest/config";

// The gate of the built-in tools (jarvis.config.json): they need no database, so none is started.
export default defineConfig({
  resolve: { conditions: ["@jarvis/source", "node"] },
  ssr: { resolve: { conditions: ["@jarvis/source", "node"] } },
  test: {
    include: ["src/builtin/**/*.test.ts", "src/registry.test.ts"],
  },
});
