import type { EffectClass, RiskLevel } from "@jarvis/operator-core";
import type { z } from "zod";

/** What a tool is given while it runs. */
export interface ToolContext {
  /** Aborted by a kill switch, a cancellation or the timeout: the tool has to end by throwing. */
  readonly signal: AbortSignal;
  /**
   * Calls another tool: an action of its own, judged like any other and on record.
   * Throws the other tool's error, or why it was not called.
   */
  call(name: string, input: unknown): Promise<unknown>;
}

/** What a tool does with a parsed input. Answers JSON; throws an Error with a sentence for people. */
export type ToolFunction = (input: unknown, context: ToolContext) => Promise<unknown>;

/**
 * Something the agent can do. `name` is that of its folder under `builtin/`.
 *
 * It can be looked at and not be called: what it does is reached by an action of the executor only
 * (see `actions/tool-action.ts`).
 */
export interface Tool {
  readonly name: string;
  /** One sentence for the author of a plan, human or model. */
  readonly description: string;
  /** What calling it can do to the world; it decides who has to agree beforehand. */
  readonly effect: EffectClass;
  /** How much a call can break; it counts against what a session may risk. */
  readonly risk: RiskLevel;
  /** How long one call may take, in milliseconds; then `signal` is aborted and the call has failed. */
  readonly timeoutMs: number;
  /** What a call is asked with; whoever plans sees it as a JSON schema. */
  readonly input: z.ZodType;
}

/**
 * What a built-in's folder exports. At run time it holds the function, which its unit test calls; the
 * type shows it to tests alone (`testing/callable-tools.ts`).
 */
export interface BuiltinTool extends Tool {
  readonly kind: "builtin-tool";
  /** What it answers; undefined where its author did not say. */
  readonly output: z.ZodType | undefined;
}

/** How long a call may take where its tool does not say, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** The risk of a tool that does not say one. */
const risks: Record<EffectClass, RiskLevel> = {
  read: "low",
  "write-workspace": "medium",
  network: "medium",
  process: "high",
  promotion: "high",
  irreversible: "critical",
};

/**
 * Types a tool by its schemas. The input is parsed before `execute` sees it, and the answer before
 * anybody else does: one that is not as the tool said is an error of the tool's. Nothing is thrown
 * here; `execute` of what comes back throws an Error that names the first value that is wrong.
 */
export function defineTool<
  Input extends z.ZodType,
  Output extends z.ZodType = z.ZodUnknown,
>(definition: {
  /** The name of its folder: lower case, digits and hyphens. */
  readonly name: string;
  /** One sentence for the author of a plan, human or model. */
  readonly description: string;
  /** What calling it can do to the world; it decides who has to agree beforehand. */
  readonly effect: EffectClass;
  /** By the effect, where it is not said: see `risks`. */
  readonly risk?: RiskLevel;
  /** How long one call may take, in milliseconds: 10,000 where it is not said. */
  readonly timeoutMs?: number;
  readonly input: Input;
  /** What it answers, checked before anybody sees it; any JSON where it is not said. */
  readonly output?: Output;
  /**
   * Does it. Ends by throwing when `context.signal` is aborted; throws an Error with a sentence for
   * people where it cannot.
   */
  execute(input: z.infer<Input>, context: ToolContext): Promise<z.input<Output>>;
}): BuiltinTool {
  const { name, description, effect, input, output } = definition;
  const execute: ToolFunction = async (given, context) => {
    const parsed = input.safeParse(given);
    if (!parsed.success) {
      throw new Error(`${name} cannot read its input: ${firstProblem(parsed.error, "input")}`);
    }
    const answer = await definition.execute(parsed.data, context);
    if (output === undefined) return answer;
    const answered = output.safeParse(answer);
    if (answered.success) return answered.data;
    throw new Error(
      `${name} answered otherwise than it should: ${firstProblem(answered.error, "output")}`,
    );
  };
  const tool = {
    kind: "builtin-tool" as const,
    name,
    description,
    effect,
    risk: definition.risk ?? risks[effect],
    timeoutMs: definition.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    input,
    output,
    execute,
  };
  return tool;
}

function firstProblem({ issues: [problem] }: z.ZodError, otherwise: string): string {
  return `${problem?.path.join(".") || otherwise}: ${problem?.message ?? "unknown problem"}`;
}
