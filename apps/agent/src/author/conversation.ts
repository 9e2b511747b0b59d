import type { Message, TextPart, ToolAnswer } from "../kernel/model/model-port.ts";

/** Answers of these are what the author learns from, and stay whole. */
const DIAGNOSTICS: ReadonlySet<string> = new Set(["run_stage", "propose"]);
/** So many of the newest messages are never cut: the model is in the middle of them. */
const KEPT_MESSAGES = 4;
/** An answer below this is not worth cutting. */
const SMALL = 400;

/**
 * The conversation as it is sent: where it is longer than the limit (in characters), the oldest
 * answers of tools are cut to a note until it fits, never diagnostics and never what was asked
 * first. Null where that is not enough. Pure.
 */
export function fitted(messages: readonly Message[], limitCharacters: number): Message[] | null {
  const result = [...messages];
  let size = sizeOf(result);
  for (let index = 1; index < result.length - KEPT_MESSAGES && size > limitCharacters; index += 1) {
    const message = result[index];
    if (message?.role !== "tool") continue;
    const cut: Message = { role: "tool", answers: message.answers.map(shortened) };
    size += sizeOf([cut]) - sizeOf([message]);
    result[index] = cut;
  }
  return size > limitCharacters ? null : result;
}

function shortened(answer: ToolAnswer): ToolAnswer {
  const characters = answer.parts.reduce((sum, { text }) => sum + text.length, 0);
  if (DIAGNOSTICS.has(answer.tool) || characters <= SMALL) return answer;
  const note: TextPart = { text: `[${characters} characters were cut here; ask again if needed]` };
  return { ...answer, parts: [note] };
}

function sizeOf(messages: readonly Message[]): number {
  return JSON.stringify(messages).length;
}
