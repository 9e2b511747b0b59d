import { readKey } from "./client.ts";

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live"; readonly since: Date }
  | { readonly state: "lost"; readonly since: Date; readonly lastWord: Date | null }
  | { readonly state: "signed-out" };

export interface StreamEvent {
  readonly name: string;
  readonly data: unknown;
}

interface StreamOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: StreamEvent) => void;
  readonly onConnection: (connection: Connection) => void;
}

/** Three beats of the kernel: a connection that says nothing for so long is none. */
const SILENCE_MS = 45_000;
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;

/**
 * Listens to the kernel until it is told to stop, and comes back by itself with the last id that it
 * was told. `EventSource` is not used: it cannot send the header that the kernel recognises us by.
 */
export async function listen({ signal, onEvent, onConnection }: StreamOptions): Promise<void> {
  let lastId: string | null = null;
  let lastWord: Date | null = null;
  let waitMs = FIRST_WAIT_MS;
  onConnection({ state: "connecting" });
  while (!signal.aborted) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const response = await fetch("/api/stream", {
        headers: {
          "x-jarvis-key": readKey(),
          ...(lastId === null ? {} : { "last-event-id": lastId }),
        },
        signal: AbortSignal.any([signal, silence.signal]),
      });
      if (response.status === 401) {
        onConnection({ state: "signed-out" });
        return;
      }
      if (!response.ok || response.body === null) throw new Error(String(response.status));
      onConnection({ state: "live", since: new Date() });
      waitMs = FIRST_WAIT_MS;
      for await (const message of messages(response.body)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        lastWord = new Date();
        lastId = message.id ?? lastId;
        onEvent(message);
      }
    } catch {
      // Told apart from a refusal by nothing that would help: both are tried again.
    } finally {
      clearTimeout(timer);
    }
    if (signal.aborted) return;
    onConnection({ state: "lost", since: new Date(), lastWord });
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

async function* messages(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<StreamEvent & { readonly id: string | null }> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const fields = new Map(
        part.split("\n").map((line) => {
          const colon = line.indexOf(": ");
          return [line.slice(0, colon), line.slice(colon + 2)] as const;
        }),
      );
      const data: unknown = JSON.parse(fields.get("data") ?? "null");
      yield { id: fields.get("id") ?? null, name: fields.get("event") ?? "", data };
    }
  }
}
