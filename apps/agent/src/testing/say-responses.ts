import type { Said, Send } from "./model-host.ts";

/** Answers in OpenAI's own protocol, the stream of `responses`; false where it was not whole. */
export async function sayResponses(
  turn: Said,
  send: Send,
  pieces: (text: string) => string[],
): Promise<boolean> {
  const say = async (type: string, event: object): Promise<void> =>
    await send({ type, ...event }, type);
  await say("response.created", { response: { id: "r1", created_at: 1, model: "scripted" } });
  let output_index = 0;
  if (turn.text !== undefined) {
    const item = { type: "message", id: "m1" };
    await say("response.output_item.added", { output_index, item });
    for (const delta of pieces(turn.text)) {
      await say("response.output_text.delta", { item_id: item.id, delta });
    }
    if (turn.cut === true || turn.hangs === true) return false;
    await say("response.output_item.done", { output_index, item });
    output_index += 1;
  }
  for (const { tool, input } of turn.calls ?? []) {
    const written = typeof input === "string" ? input : JSON.stringify(input);
    const id = `fc_${output_index}`;
    const call_id = `call_${Math.random().toString(36).slice(2)}`;
    const item = { type: "function_call", id, call_id, name: tool, arguments: "" };
    await say("response.output_item.added", { output_index, item });
    for (const delta of pieces(written)) {
      await say("response.function_call_arguments.delta", { item_id: id, output_index, delta });
    }
    const whole = { ...item, arguments: written, status: "completed" };
    await say("response.output_item.done", { output_index, item: whole });
    output_index += 1;
  }
  const reasons = { "content-filter": "content_filter", length: "max_output_tokens" } as const;
  const usage =
    turn.usage === undefined
      ? null
      : { input_tokens: turn.usage.input, output_tokens: turn.usage.output };
  if (turn.finish === undefined) {
    await say("response.completed", { response: { usage } });
  } else {
    const incomplete_details = { reason: reasons[turn.finish] };
    await say("response.incomplete", { response: { usage, incomplete_details } });
  }
  return true;
}
