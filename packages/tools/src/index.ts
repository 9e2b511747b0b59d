export { loadBuiltinTools } from "./registry.ts";
export { defineTool, type EffectClass, type Tool } from "./tool.ts";
