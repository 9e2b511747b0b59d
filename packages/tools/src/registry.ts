import { EffectClass, RiskLevel } from "@jarvis/operator-core";
import { z } from "zod";
import { sealTool } from "./actions/tool-action.ts";
import { BUILTIN, builtinFolders, importBuiltins } from "./import-builtins.ts";
import type { Tool, ToolFunction } from "./tool.ts";

/**
 * Loads every built-in tool, to be looked at and registered as an action; none of them can be called
 * here. A folder without a tool, or one whose tool has another name than its folder, is an error: a
 * tool that is silently missing would look like a tool that never was.
 */
export async function loadBuiltinTools(directory = BUILTIN): Promise<ReadonlyMap<string, Tool>> {
  const tools = new Map<string, Tool>();
  for (const { folder, module: found } of await importBuiltins(
    directory,
    await builtinFolders(directory),
  )) {
    const module = exported.safeParse(found);
    if (!module.success) {
      throw new Error(`${folder}/tool exports no tool; export what defineTool gives as \`tool\`.`);
    }
    const { execute, ...shown } = module.data.tool;
    if (shown.name !== folder) {
      throw new Error(`the tool in ${folder} calls itself ${shown.name}; give both one name.`);
    }
    tools.set(folder, sealTool(shown, execute));
  }
  return tools;
}

// What `defineTool` makes; the module comes from a folder, so nothing else says what is in it.
const exported = z.object({
  tool: z.object({
    kind: z.literal("builtin-tool"),
    name: z.string(),
    description: z.string(),
    effect: EffectClass,
    risk: RiskLevel,
    timeoutMs: z.int().positive(),
    input: z.instanceof(z.ZodType),
    execute: z.custom<ToolFunction>((value) => typeof value === "function"),
  }),
});
