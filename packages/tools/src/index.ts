export { loadBuiltinTools } from "./registry.ts";
export { defineTool, type BuiltinTool, type Tool, type ToolContext } from "./tool.ts";
export { registerTools } from "./actions/tool-action.ts";
export { actionNameOf } from "./actions/tool-names.ts";
export { callTool, ToolCallError, type ToolCall } from "./actions/call-tool.ts";
