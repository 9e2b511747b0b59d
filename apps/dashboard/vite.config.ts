import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // The page's policy allows its own files and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      onLog(level, log, report) {
        // Libraries mark files for servers that render them; there is none here.
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") report(level, log);
      },
    },
  },
});
