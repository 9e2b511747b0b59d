import type { Message, TextPart, ToolAnswer } from "../kernel/model/model-port.ts";

/** Answers of these are what the author learns from, and stay whole. */
const DIAGNOSTICS: ReadonlySet<string> = new Set(["run_stage", "propose"]);
/** So many of the newest messages are never cut: the model is in the middle of them. */
const KEPT_MESSAGES = 4;
/** An answer below this is not worth cutting. */
const SMALL = 400;

/**
 * The conversation as it is sent: where it is longer than the limit (in characters), the oldest
 * answers of tools are cut to a note until it fits, and then the oldest texts that the model wrote
 * into files, which it can read there; never diagnostics and never what was asked first. Null where
 * that is not enough. Pure.
 */
export function fitted(messages: readonly Message[], limitCharacters: number): Message[] | null {
  const result = [...messages];
  let size = sizeOf(result);
  for (const shorten of [withoutOutput, withoutWritten]) {
    for (let at = 1; at < result.length - KEPT_MESSAGES && size > limitCharacters; at += 1) {
      const message = result[at];
      if (message === undefined) continue;
      const cut = shorten(message);
      size += sizeOf([cut]) - sizeOf([message]);
      result[at] = cut;
    }
  }
  return size > limitCharacters ? null : result;
}

function withoutOutput(message: Message): Message {
  return message.role === "tool"
    ? { ...message, answers: message.answers.map(shortened) }
    : message;
}

function withoutWritten(message: Message): Message {
  if (message.role !== "assistant") return message;
  const calls = message.calls.map((call) => ({ ...call, input: shortInput(call.input) }));
  return { ...message, calls };
}

function shortInput(input: unknown): unknown {
  if (typeof input !== "object" || input === null) return input;
  return Object.fromEntries(
    Object.entries(input).map(([name, value]: [string, unknown]) => {
      const isLong = typeof value === "string" && value.length > SMALL;
      return [name, isLong ? noteOf(value.length) : value];
    }),
  );
}

/**
 * What is answered to the calls of one step: beyond the limit (in characters) the later answers are
 * left out, so that the newest step always fits. Diagnostics are short, and stay. Pure.
 */
export function boundedAnswers(
  answers: readonly ToolAnswer[],
  limitCharacters: number,
): ToolAnswer[] {
  let left = limitCharacters;
  return answers.map((answer) => {
    left -= charactersOf(answer);
    return left < 0 ? shortened(answer) : answer;
  });
}

function shortened(answer: ToolAnswer): ToolAnswer {
  const characters = charactersOf(answer);
  if (DIAGNOSTICS.has(answer.tool) || characters <= SMALL) return answer;
  const note: TextPart = { text: noteOf(characters) };
  return { ...answer, parts: [note] };
}

function noteOf(characters: number): string {
  return `[${characters} characters were cut here; ask again if needed]`;
}

function charactersOf({ parts }: ToolAnswer): number {
  return parts.reduce((sum, { text }) => sum + text.length, 0);
}

function sizeOf(messages: readonly Message[]): number {
  return JSON.stringify(messages).length;
}
