import type { KernelProgram } from "./kernel-program.ts";

export interface FollowedStream {
  /** Waits for the next message of a name and answers its text. */
  until(event: string): Promise<string>;
  close(): Promise<void>;
}

/** A client of a kernel's stream, from now on. */
export async function follow(kernel: KernelProgram): Promise<FollowedStream> {
  const response = await fetch(`${kernel.url}/api/stream`, {
    headers: { authorization: `Bearer ${kernel.token}` },
  });
  if (!response.ok || response.body === null) throw new Error(`no stream: ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  const stream: FollowedStream = {
    async until(event) {
      for (;;) {
        const end = rest.indexOf("\n\n");
        if (end < 0) {
          const { value, done } = await reader.read();
          if (done) throw new Error(`the stream ended before a message "${event}" came`);
          rest += value;
          continue;
        }
        const message = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (new RegExp(`^event: ${event}$`, "m").test(message)) return message;
      }
    },
    close: async () => await reader.cancel(),
  };
  await stream.until("hello");
  return stream;
}
