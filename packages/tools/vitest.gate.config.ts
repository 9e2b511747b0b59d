import { defineConfig } from "vitest/config";

// The gate of the built-in tools (jarvis.config.json). It runs three times a change, so it starts
// fast: no database, which no tool needs; one process for all files (isolation between files is no
// guard: any of them may load every tool); and the tools' own sources beside the other packages as
// they were built just before, instead of transforming those anew each time.
export default defineConfig({
  test: {
    include: ["src/builtin/**/*.test.ts", "src/registry.test.ts"],
    isolate: false,
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
  },
});
