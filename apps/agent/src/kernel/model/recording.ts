import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { redactSecrets } from "@jarvis/operator-core";
import { z } from "zod";
import {
  ModelError,
  type Message,
  type ModelPort,
  type ModelRequest,
  type TextPart,
} from "./model-port.ts";

/** One request and its answer, as a line of a recording. */
const exchange = z.strictObject({
  version: z.literal(1),
  model: z.string(),
  /** A digest of each thing that was asked, in order: what was offered, then every message. */
  asked: z.array(z.string()).min(1),
  /** The last message, for people: normalised, without what is volatile. */
  last: z.string(),
  answer: z.strictObject({
    text: z.string(),
    calls: z.array(
      z.strictObject({
        id: z.string(),
        tool: z.string(),
        input: z.unknown(),
        problem: z.string().nullable(),
      }),
    ),
    finish: z.enum(["stop", "calls", "length", "filtered", "other"]),
    usage: z.strictObject({
      inputTokens: z.number().nullable(),
      outputTokens: z.number().nullable(),
    }),
  }),
});
type Exchange = z.infer<typeof exchange>;

/** Writes every exchange as a line, secrets left out. What cannot be written fails the request. */
export function recordingModel(model: ModelPort, path: string): ModelPort {
  return {
    name: model.name,
    async ask(request, signal) {
      const answer = await model.ask(request, signal);
      const line: Exchange = {
        version: 1,
        model: model.name,
        asked: asked(request),
        last: lastOf(request),
        answer: { ...answer, calls: answer.calls.map((call) => ({ ...call })) },
      };
      appendFileSync(path, `${JSON.stringify(redactSecrets(line).value)}\n`, { mode: 0o600 });
      return answer;
    },
  };
}

/**
 * Answers what was recorded, without a key. It goes by what the model was asked: the same words in
 * the same order, but for ids, times and what is marked as volatile. Where the conversation has left
 * the recording it says where.
 */
export function replayedModel(path: string): ModelPort {
  let exchanges: readonly Exchange[] | null = null;
  const used = new Map<string, number>();
  return {
    name: "replay",
    async ask(request, signal) {
      if (signal.aborted) throw new ModelError("stopped", "The replay was stopped.");
      exchanges ??= readRecording(path);
      const wanted = asked(request);
      const key = wanted.join();
      const same = exchanges.filter((each) => each.asked.join() === key);
      // Asked twice in the same words, as after a crash: the next answer, and at last the last.
      const turn = used.get(key) ?? 0;
      used.set(key, turn + 1);
      const found = same[Math.min(turn, same.length - 1)];
      if (found === undefined) {
        throw new ModelError("left-recording", whereItLeft(exchanges, wanted, request));
      }
      return await Promise.resolve({ ...found.answer, calls: found.answer.calls });
    },
  };
}

function readRecording(path: string): Exchange[] {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => exchange.parse(JSON.parse(line)));
  } catch (cause) {
    throw new ModelError("recording-unreadable", `The recording ${path} cannot be read.`, {
      cause,
    });
  }
}

function whereItLeft(
  exchanges: readonly Exchange[],
  wanted: readonly string[],
  request: ModelRequest,
): string {
  const inCommon = (each: Exchange): number => {
    const at = each.asked.findIndex((digest, index) => digest !== wanted[index]);
    return at === -1 ? each.asked.length : at;
  };
  const best = Math.max(0, ...exchanges.map(inCommon));
  const where =
    best === 0
      ? "what the model is told first, and the tools it is offered, are others"
      : `message ${best} of ${wanted.length - 1} is another: ${normalised(textOf(request.messages[best - 1])).slice(0, 200)}`;
  return `The conversation has left the recording: ${where}.`;
}

function asked(request: ModelRequest): string[] {
  const offered = JSON.stringify([normalised(request.system), request.tools]);
  return [offered, ...request.messages.map((message) => normalised(textOf(message)))].map((text) =>
    createHash("sha256").update(text).digest("hex").slice(0, 24),
  );
}

function lastOf(request: ModelRequest): string {
  return normalised(textOf(request.messages.at(-1))).slice(0, 2_000);
}

function textOf(message: Message | undefined): string {
  if (message === undefined) return "";
  const steady = (parts: readonly TextPart[]): string =>
    parts
      .filter(({ isVolatile }) => isVolatile !== true)
      .map(({ text }) => text)
      .join("\n");
  switch (message.role) {
    case "user":
      return `user\n${steady(message.parts)}`;
    case "assistant":
      return `assistant\n${message.text}\n${JSON.stringify(message.calls.map(({ tool, input }) => [tool, input]))}`;
    case "tool":
      return `tool\n${message.answers.map(({ tool, parts }) => `${tool}\n${steady(parts)}`).join("\n")}`;
  }
}

/** What differs each time and says nothing: ids, digests, times, durations, temporary directories. */
export function normalised(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "<id>")
    .replaceAll(/\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b/g, "<sha>")
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?/g, "<time>")
    .replaceAll(/\b\d+(?:\.\d+)? ?(?:ms|s)\b/g, "<duration>")
    .replaceAll(/\/tmp\/[\w./-]+/g, "<tmp>");
}
