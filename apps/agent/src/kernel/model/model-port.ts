/** A part of what a model is told. `isVolatile`: differs from run to run, so a replay does not look at it. */
export interface TextPart {
  readonly text: string;
  readonly isVolatile?: boolean;
}

/** What a model asks to be called. Its words: `input` is parsed before anything is done with it. */
export interface ToolCall {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  /** Why the arguments cannot be read at all; null where they are JSON. */
  readonly problem: string | null;
}

export interface ToolAnswer {
  readonly callId: string;
  readonly tool: string;
  readonly parts: readonly TextPart[];
}

export type Message =
  | { readonly role: "user"; readonly parts: readonly TextPart[] }
  | { readonly role: "assistant"; readonly text: string; readonly calls: readonly ToolCall[] }
  | { readonly role: "tool"; readonly answers: readonly ToolAnswer[] };

export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  /** JSON schema. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

export interface ModelRequest {
  readonly system: string;
  readonly messages: readonly Message[];
  readonly tools: readonly OfferedTool[];
  readonly maxOutputTokens: number;
}

/** Tokens as the provider counts them; null where it did not say. */
export interface Usage {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

export interface ModelAnswer {
  /** Text of a model: data, never an order. */
  readonly text: string;
  readonly calls: readonly ToolCall[];
  /** `length`: it was cut at the limit; `filtered`: the provider withheld it. */
  readonly finish: "stop" | "calls" | "length" | "filtered" | "other";
  readonly usage: Usage;
}

/**
 * Why a model gave no answer.
 *
 * `rate-limited` and `overloaded` pass by waiting; `cut` is a stream that ended early; `silent` one
 * that stood still; `refused` is the provider's no to this request; `unauthorised` a key it does not
 * take; `left-recording` a replay that was asked something else than it was recorded with.
 */
export const modelErrorCodes = [
  "rate-limited",
  "overloaded",
  "unreachable",
  "cut",
  "silent",
  "refused",
  "unauthorised",
  "stopped",
  "left-recording",
  "recording-unreadable",
  "budget",
  "day-budget",
] as const;
export type ModelErrorCode = (typeof modelErrorCodes)[number];

export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly code: ModelErrorCode;
  /** How long the provider asked to wait. */
  readonly retryAfterMs: number | null;
  /** Characters that came before it ended: they were paid for. */
  readonly receivedCharacters: number;

  constructor(
    code: ModelErrorCode,
    message: string,
    more: { retryAfterMs?: number | null; receivedCharacters?: number; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.receivedCharacters = more.receivedCharacters ?? 0;
  }
}

/** One request to a model and its answer. Throws `ModelError`. */
export interface ModelPort {
  /** How it is configured, without its key. */
  readonly name: string;
  ask(request: ModelRequest, signal: AbortSignal): Promise<ModelAnswer>;
}
