import { z } from "zod";
import { importBuiltins } from "./import-builtins.ts";
import type { ToolContext, ToolFunction } from "./tool.ts";

export interface AnnouncedTool {
  readonly name: string;
  readonly description: string;
  readonly effect: string;
  readonly risk: string;
  readonly timeoutMs: number;
  /** JSON schema of the input; empty where it cannot be written as one. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

export class BodyToolError extends Error {
  override readonly name = "BodyToolError";
  readonly code: "no-such-tool" | "invalid-input";

  constructor(code: BodyToolError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Tools that were loaded into this process. */
export interface LoadedTools {
  readonly announced: readonly AnnouncedTool[];
  /** @throws BodyToolError, or whatever the tool throws */
  carryOut(name: string, input: unknown, context: ToolContext): Promise<unknown>;
}

/** Loads the tools of these folders, and what they import, into this process. */
export async function loadTools(
  directory: string,
  folders: readonly string[],
): Promise<LoadedTools> {
  const tools = new Map<string, LoadedTool>();
  for (const { folder, module } of await importBuiltins(directory, folders)) {
    const loaded = exported.safeParse(module);
    if (!loaded.success || loaded.data.tool.name !== folder) {
      throw new Error(`${folder}/tool exports no tool of its folder's name.`);
    }
    tools.set(folder, loaded.data.tool);
  }
  return {
    announced: [...tools.values()].map(announce),
    async carryOut(name, input, context) {
      const tool = tools.get(name);
      if (tool === undefined) {
        throw new BodyToolError("no-such-tool", `There is no tool ${name}.`);
      }
      // Judged here and parsed by the tool, so that a schema that transforms does so once.
      const [problem] = tool.input.safeParse(input).error?.issues ?? [];
      if (problem !== undefined) {
        throw new BodyToolError(
          "invalid-input",
          `${name} cannot read its input: ${problem.path.join(".") || "input"}: ${problem.message}`,
        );
      }
      return await tool.execute(input, context);
    },
  };
}

function announce(tool: LoadedTool): AnnouncedTool {
  const { name, description, effect, risk, timeoutMs } = tool;
  return { name, description, effect, risk, timeoutMs, inputSchema: schemaOf(tool.input) };
}

function schemaOf(input: z.ZodType): Readonly<Record<string, unknown>> {
  try {
    return z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  } catch {
    // A schema that cannot be written down is still asked when the tool is called.
    return {};
  }
}

type LoadedTool = z.infer<typeof exported>["tool"];

const exported = z.object({
  tool: z.object({
    kind: z.literal("builtin-tool"),
    name: z.string(),
    description: z.string(),
    effect: z.string(),
    risk: z.string(),
    timeoutMs: z.int().positive(),
    input: z.instanceof(z.ZodType),
    execute: z.custom<ToolFunction>((value) => typeof value === "function"),
  }),
});
