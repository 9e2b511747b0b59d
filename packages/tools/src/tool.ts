import type { z } from "zod";

/** What calling a tool can do to the world; it decides who has to agree beforehand. */
export type EffectClass =
  | "read"
  | "write-workspace"
  | "network"
  | "process"
  | "promotion"
  | "irreversible";

/** Something the agent can do. `name` is that of its folder under `builtin/`. */
export interface Tool {
  readonly name: string;
  /** One sentence for the author of a plan, human or model. */
  readonly description: string;
  readonly effect: EffectClass;
  readonly input: z.ZodType;
  /** Answers JSON. Throws an Error with a sentence for people where the input makes no sense. */
  execute(input: unknown, options: { signal: AbortSignal }): Promise<unknown>;
}

/** Types a tool by its input schema; the input is parsed before `execute` sees it. */
export function defineTool<Schema extends z.ZodType>(definition: {
  readonly name: string;
  readonly description: string;
  readonly effect: EffectClass;
  readonly input: Schema;
  execute(input: z.infer<Schema>, options: { signal: AbortSignal }): Promise<unknown>;
}): Tool {
  return {
    name: definition.name,
    description: definition.description,
    effect: definition.effect,
    input: definition.input,
    async execute(input, options) {
      const parsed = definition.input.safeParse(input);
      if (!parsed.success) {
        const problem = parsed.error.issues[0];
        throw new Error(
          `${definition.name} cannot read its input: ${problem?.path.join(".") || "input"}: ${problem?.message ?? "unknown problem"}`,
        );
      }
      return await definition.execute(parsed.data, options);
    },
  };
}
