export * from "./agent-state.ts";
export * from "./blobs.ts";
export * from "./schema-info.ts";
export * from "./self-extension-events.ts";
