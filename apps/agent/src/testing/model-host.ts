import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { sayResponses } from "./say-responses.ts";

/** What the host does with one request. */
export type Turn =
  | {
      readonly text?: string;
      /** Arguments as an object, or as the text that is sent for them. */
      readonly calls?: readonly { readonly tool: string; readonly input: object | string }[];
      readonly finish?: "content-filter" | "length";
      readonly usage?: { readonly input: number; readonly output: number };
      /** The connection is closed after the text. */
      readonly cut?: boolean;
      /** Nothing comes after the text, and the connection stays open. */
      readonly hangs?: boolean;
    }
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: object;
    };

export interface Heard {
  readonly protocol: "openai" | "anthropic" | "responses";
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

export interface ModelHost {
  /** For OpenAI-compatible clients as for Anthropic's and OpenAI's own. */
  readonly baseUrl: string;
  readonly heard: readonly Heard[];
  /** Connections that clients closed before the answer was whole. */
  readonly abandoned: () => number;
  close(): Promise<void>;
}

/**
 * A host of models that answers from a script, in the protocol it is asked in: streams of
 * `chat/completions`, of `messages` and of `responses`. After the last turn it repeats it.
 */
export async function startModelHost(
  script: readonly Turn[] | ((index: number, heard: Heard) => Turn),
): Promise<ModelHost> {
  const heard: Heard[] = [];
  let abandoned = 0;
  const server = createServer((request, response) => {
    response.on("close", () => (abandoned += response.writableFinished ? 0 : 1));
    void answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const protocol = protocolOf(request.url ?? "");
    const entry: Heard = {
      protocol,
      headers: request.headers,
      body: JSON.parse(text) as Record<string, unknown>,
    };
    const index = heard.push(entry) - 1;
    const turn =
      typeof script === "function"
        ? script(index, entry)
        : (script[Math.min(index, script.length - 1)] ?? { text: "" });
    if ("status" in turn) {
      response.writeHead(turn.status, { "content-type": "application/json", ...turn.headers });
      response.end(JSON.stringify(turn.body ?? { error: { message: "no", type: "error" } }));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = async (data: object | string, event?: string): Promise<void> => {
      const named = event === undefined ? "" : `event: ${event}\n`;
      response.write(`${named}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
      await sleep(1);
    };
    const isWhole = await (protocol === "openai"
      ? sayOpenAi(turn, send)
      : protocol === "anthropic"
        ? sayAnthropic(turn, send)
        : sayResponses(turn, send, pieces));
    if (isWhole) response.end();
    else if (!("status" in turn) && turn.cut === true) response.destroy();
  }

  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    heard,
    abandoned: () => abandoned,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function protocolOf(url: string): Heard["protocol"] {
  if (url.endsWith("/messages")) return "anthropic";
  return url.endsWith("/responses") ? "responses" : "openai";
}

export type Said = Exclude<Turn, { status: number }>;
export type Send = (data: object | string, event?: string) => Promise<void>;

function argumentsOf(input: object | string): string {
  return typeof input === "string" ? input : JSON.stringify(input);
}

async function sayOpenAi(turn: Said, send: Send): Promise<boolean> {
  const chunk = (delta: object, finish: string | null = null): object => ({
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "scripted",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  await send(chunk({ role: "assistant", content: "" }));
  for (const piece of pieces(turn.text ?? "")) await send(chunk({ content: piece }));
  if (turn.cut === true || turn.hangs === true) return false;
  for (const [index, { tool, input }] of (turn.calls ?? []).entries()) {
    const id = `call-${Math.random().toString(36).slice(2)}`;
    const begin = { index, id, type: "function", function: { name: tool, arguments: "" } };
    await send(chunk({ tool_calls: [begin] }));
    for (const piece of pieces(argumentsOf(input))) {
      await send(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
    }
  }
  const reason = { "content-filter": "content_filter", length: "length" } as const;
  const natural = turn.calls === undefined ? "stop" : "tool_calls";
  await send(chunk({}, turn.finish === undefined ? natural : reason[turn.finish]));
  if (turn.usage !== undefined) {
    const { input, output } = turn.usage;
    const usage = {
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
    };
    await send({ ...chunk({}), choices: [], usage });
  }
  await send("[DONE]");
  return true;
}

async function sayAnthropic(turn: Said, send: Send): Promise<boolean> {
  const usage = { input_tokens: turn.usage?.input ?? 1, output_tokens: 1 };
  const say = async (event: { type: string } & object): Promise<void> =>
    await send(event, event.type);
  await say({
    type: "message_start",
    message: {
      id: "m1",
      type: "message",
      role: "assistant",
      model: "scripted",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    },
  } as { type: string });
  let index = 0;
  if (turn.text !== undefined) {
    const block = { type: "text", text: "" };
    await say({ type: "content_block_start", index, content_block: block } as { type: string });
    for (const text of pieces(turn.text)) {
      const delta = { type: "text_delta", text };
      await say({ type: "content_block_delta", index, delta } as { type: string });
    }
    if (turn.cut === true || turn.hangs === true) return false;
    await say({ type: "content_block_stop", index } as { type: string });
    index += 1;
  }
  for (const { tool, input } of turn.calls ?? []) {
    const id = `toolu_${Math.random().toString(36).slice(2)}`;
    const block = { type: "tool_use", id, name: tool, input: {} };
    await say({ type: "content_block_start", index, content_block: block } as { type: string });
    for (const piece of pieces(argumentsOf(input))) {
      const delta = { type: "input_json_delta", partial_json: piece };
      await say({ type: "content_block_delta", index, delta } as { type: string });
    }
    await say({ type: "content_block_stop", index } as { type: string });
    index += 1;
  }
  const reasons = { "content-filter": "refusal", length: "max_tokens" } as const;
  const natural = turn.calls === undefined ? "end_turn" : "tool_use";
  const stop = turn.finish === undefined ? natural : reasons[turn.finish];
  await say({
    type: "message_delta",
    delta: { stop_reason: stop, stop_sequence: null },
    usage: { output_tokens: turn.usage?.output ?? 1 },
  } as { type: string });
  await say({ type: "message_stop" });
  return true;
}

function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,40}/g) ?? [];
}
