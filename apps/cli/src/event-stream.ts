/** One server-sent event, as the kernel writes them: an id, a name and a line of JSON. */
export interface StreamMessage {
  readonly id: string | null;
  readonly name: string;
  readonly data: unknown;
}

/** The messages of a stream until it ends or breaks off. */
export async function* messagesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamMessage> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const field = (name: string): string | null =>
        new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1] ?? null;
      const data: unknown = JSON.parse(field("data") ?? "null");
      yield { id: field("id"), name: field("event") ?? "", data };
    }
  }
}
