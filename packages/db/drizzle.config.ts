import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: [
    "./src/schema/self-extension-events.ts",
    "./src/schema/action-audit-log.ts",
    "./src/schema/action-proposals.ts",
    "./src/schema/agent-state.ts",
    "./src/schema/blobs.ts",
    "./src/schema/goals.ts",
    "./src/schema/kernel-lease.ts",
    "./src/schema/promotion-intents.ts",
    "./src/schema/ledger-records.ts",
    "./src/schema/ledger-tree.ts",
    "./src/schema/schema-info.ts",
  ],
  // The drift check generates into a copy, so that looking for drift leaves nothing behind.
  out: process.env["JARVIS_MIGRATIONS_OUT"] ?? "./migrations",
});
