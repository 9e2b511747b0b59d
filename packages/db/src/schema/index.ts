export * from "./action-audit-log.ts";
export * from "./action-proposals.ts";
export * from "./agent-state.ts";
export * from "./blobs.ts";
export * from "./schema-info.ts";
export * from "./self-extension-events.ts";
