import { readFileSync } from "node:fs";
import type { LanguageModel, ModelMessage, ToolSet } from "ai";
import type { ModelConfig } from "./model-config.ts";
import {
  ModelError,
  type Message,
  type ModelAnswer,
  type ModelPort,
  type ModelRequest,
  type ToolCall,
} from "./model-port.ts";
import { withoutKey } from "./without-key.ts";
import { modelErrorOf } from "./provider-error.ts";

/** A stream that stands still so long is given up: providers send something every few seconds. */
const SILENCE_MS = 90_000;
/** What a model writes beyond this is no answer to us. */
const LONGEST_ANSWER = 1_000_000;

/**
 * A provider's model through the AI SDK. The SDK is loaded at the first request: a kernel that is
 * never asked to work on a goal does not pay for it. One request is one try; who repeats is who counts.
 */
export function sdkModel(config: ModelConfig, options: { silenceMs?: number } = {}): ModelPort {
  const silenceMs = options.silenceMs ?? SILENCE_MS;
  return {
    name: `${config.provider}/${config.model}`,
    async ask(request, signal) {
      const { streamText, jsonSchema, tool } = await import("ai");
      const tools: ToolSet = Object.fromEntries(
        request.tools.map(({ name, description, inputSchema }) => [
          name,
          // Any object is taken here, and parsed by us: what is wrong is told to the model.
          tool({ description, inputSchema: jsonSchema(inputSchema) }),
        ]),
      );
      const watch = new Silence(signal, silenceMs);
      const heard = new Heard();
      let key: string | null = null;
      try {
        key = keyOf(config);
        const { fullStream } = streamText({
          model: await modelOf(config, key),
          system: request.system,
          messages: request.messages.map(asSdkMessage),
          tools,
          maxOutputTokens: request.maxOutputTokens,
          maxRetries: 0,
          abortSignal: watch.signal,
          // Told by the stream as well; without this the SDK prints it.
          onError: () => undefined,
        });
        for await (const part of endedBy(fullStream, watch.signal)) {
          watch.heard();
          heard.take(part);
        }
        return withoutKey(heard.answer(), key);
      } catch (error) {
        throw modelErrorOf(error, {
          isStopped: signal.aborted,
          isSilent: watch.isSilent,
          silenceMs,
          receivedCharacters: heard.characters,
          key,
        });
      } finally {
        // Also where the answer was refused half way: nobody listens any more.
        watch.end();
      }
    },
  };
}

/** Ends at once when the signal does, whether or not the provider's connection takes notice. */
async function* endedBy<T>(stream: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const iterator = stream[Symbol.asyncIterator]();
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new Error("stopped"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  aborted.catch(() => undefined);
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted]);
    if (next.done === true) return;
    yield next.value;
  }
}

/** Stops a stream that nothing comes from any more. */
class Silence {
  readonly signal: AbortSignal;
  readonly #end = new AbortController();
  readonly #silenceMs: number;
  #clock: NodeJS.Timeout | null = null;
  isSilent = false;

  constructor(stopped: AbortSignal, silenceMs: number) {
    this.signal = AbortSignal.any([stopped, this.#end.signal]);
    this.#silenceMs = silenceMs;
    this.heard();
  }

  heard(): void {
    if (this.#clock !== null) clearTimeout(this.#clock);
    this.#clock = setTimeout(() => {
      this.isSilent = true;
      this.#end.abort();
    }, this.#silenceMs);
  }

  end(): void {
    if (this.#clock !== null) clearTimeout(this.#clock);
    this.#end.abort();
  }
}

type Part = { type: string } & Record<string, unknown>;

class Heard {
  characters = 0;
  #text = "";
  readonly #calls: ToolCall[] = [];
  #finish: ModelAnswer["finish"] | null = null;
  #usage: ModelAnswer["usage"] = { inputTokens: null, outputTokens: null };

  take(given: object): void {
    const part = given as Part;
    switch (part.type) {
      case "text-delta":
        this.#text += String(part["text"]);
        this.#count(part["text"]);
        break;
      case "reasoning-delta":
        this.#count(part["text"]);
        break;
      case "tool-input-delta":
        this.#count(part["delta"]);
        break;
      case "tool-call":
        this.#calls.push(callOf(part));
        break;
      case "finish": {
        const usage = part["totalUsage"] as { inputTokens?: number; outputTokens?: number };
        const { inputTokens, outputTokens } = usage;
        this.#usage = { inputTokens: known(inputTokens), outputTokens: known(outputTokens) };
        this.#finish = finishOf(part["finishReason"]);
        break;
      }
      case "error":
        throw part["error"];
    }
  }

  answer(): ModelAnswer {
    if (this.#finish === null || (this.#finish === "other" && this.characters === 0)) {
      throw new ModelError("cut", "The model's answer ended before it was whole.", {
        receivedCharacters: this.characters,
      });
    }
    return { text: this.#text, calls: this.#calls, finish: this.#finish, usage: this.#usage };
  }

  #count(text: unknown): void {
    this.characters += typeof text === "string" ? text.length : 0;
    if (this.characters > LONGEST_ANSWER) {
      throw new ModelError("refused", "The model's answer is longer than any answer may be.", {
        receivedCharacters: this.characters,
      });
    }
  }
}

function callOf(part: Part): ToolCall {
  const { toolCallId, toolName, input } = part;
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  return {
    id: String(toolCallId),
    tool: String(toolName),
    input: isObject ? input : {},
    problem: isObject ? null : "the arguments are no JSON object",
  };
}

function finishOf(reason: unknown): ModelAnswer["finish"] {
  switch (reason) {
    case "stop":
      return "stop";
    case "tool-calls":
      return "calls";
    case "length":
      return "length";
    case "content-filter":
      return "filtered";
    default:
      return "other";
  }
}

function known(count: number | undefined): number | null {
  return count === undefined || !Number.isFinite(count) || count < 0 ? null : Math.ceil(count);
}

async function modelOf(config: ModelConfig, apiKey: string | null): Promise<LanguageModel> {
  const { provider, model, baseUrl } = config;
  const at = baseUrl === null ? {} : { baseURL: baseUrl };
  switch (provider) {
    case "anthropic": {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return createAnthropic({ apiKey: needed(apiKey), ...at })(model);
    }
    case "openai": {
      const { createOpenAI } = await import("@ai-sdk/openai");
      return createOpenAI({ apiKey: needed(apiKey), ...at })(model);
    }
    case "openai-compatible":
    case "openrouter":
    case "ollama": {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      const key = apiKey === null ? {} : { apiKey };
      const host = { name: provider, baseURL: baseUrl ?? "", includeUsage: true };
      return createOpenAICompatible({ ...host, ...key })(model);
    }
    case "replay":
      throw new Error("a recording is no provider");
  }
}

function keyOf({ key, keyFile }: ModelConfig): string | null {
  if (keyFile === null) return key;
  try {
    return readFileSync(keyFile, "utf8").trim() || null;
  } catch (cause) {
    throw new ModelError("unauthorised", `The key of the model cannot be read from ${keyFile}.`, {
      cause,
    });
  }
}

function needed(key: string | null): string {
  if (key !== null) return key;
  throw new ModelError(
    "unauthorised",
    "The model has no key: set JARVIS_MODEL_KEY_FILE to a file that holds it.",
  );
}

function asSdkMessage(message: Message): ModelMessage {
  switch (message.role) {
    case "user":
      return { role: "user", content: message.parts.map(({ text }) => text).join("\n\n") };
    case "assistant":
      return {
        role: "assistant",
        content: [
          ...(message.text === "" ? [] : [{ type: "text" as const, text: message.text }]),
          ...message.calls.map(({ id, tool, input }) => ({
            type: "tool-call" as const,
            toolCallId: id,
            toolName: tool,
            input,
          })),
        ],
      };
    case "tool":
      return {
        role: "tool",
        content: message.answers.map(({ callId, tool, parts }) => ({
          type: "tool-result" as const,
          toolCallId: callId,
          toolName: tool,
          output: { type: "text" as const, value: parts.map(({ text }) => text).join("\n") },
        })),
      };
  }
}

/** How much of a request there is, in characters, for an estimate of its tokens. */
export function charactersOf(request: ModelRequest): number {
  return JSON.stringify([request.system, request.messages, request.tools]).length;
}
