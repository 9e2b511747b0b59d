import { z } from "zod";
import { BUILTIN, importBuiltins } from "./import-builtins.ts";
import type { ToolContext, ToolFunction } from "./tool.ts";

/**
 * The built-in tools as the body has them. The body is no judge: its kernel decides, by the executor,
 * and orders each call over the channel. So there is no executor here, nor anything that holds a
 * credential, and what a tool needs to be called is the order.
 */
export interface BodyTools {
  /** What the kernel is told about them. */
  readonly announced: readonly AnnouncedTool[];
  /**
   * Carries an order out.
   * @throws BodyToolError, or whatever the tool throws: the sentence of an Error is for people
   */
  carryOut(order: KernelOrder, context: ToolContext): Promise<unknown>;
}

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

/**
 * The permission that came over the channel: one call of one tool with one input. Made by whoever
 * reads the kernel's messages, from such a message and from nothing else.
 */
export class KernelOrder {
  readonly #tool: string;
  readonly #input: unknown;
  #isUsed = false;

  private constructor(tool: string, input: unknown) {
    this.#tool = tool;
    this.#input = input;
  }

  static fromMessage(message: { type: "perform"; tool: string; input: unknown }): KernelOrder {
    return new KernelOrder(message.tool, message.input);
  }

  /** What is ordered, once: an order is not a standing permission. */
  take(): { tool: string; input: unknown } {
    if (this.#isUsed) throw new Error("an order of the kernel is carried out once.");
    this.#isUsed = true;
    return { tool: this.#tool, input: this.#input };
  }
}

/** Loads every built-in tool of the release that the body runs from. */
export async function loadBodyTools(directory = BUILTIN): Promise<BodyTools> {
  const tools = new Map<string, LoadedTool>();
  for (const { folder, module } of await importBuiltins(directory)) {
    const loaded = exported.safeParse(module);
    if (!loaded.success || loaded.data.tool.name !== folder) {
      throw new Error(`${folder}/tool exports no tool of its folder's name.`);
    }
    tools.set(folder, loaded.data.tool);
  }
  return {
    announced: [...tools.values()].map(announce),
    async carryOut(order, context) {
      const { tool: name, input } = order.take();
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
