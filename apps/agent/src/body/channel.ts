import { createInterface } from "node:readline";
import { writeSync } from "node:fs";
import { lineOf, parseLine, ToBody, type FromBody } from "./protocol.ts";

/** The body's end of the channel. */
export interface Channel {
  /** False for a message that is too long for a line; nothing was sent then. */
  send(message: FromBody): boolean;
  /** What the kernel says; ends when the kernel is gone. */
  messages(): AsyncIterable<ToBody>;
}

/**
 * The channel over standard input and output. What else is printed in this process goes to standard
 * error from now on: a tool that logs must not break a line of ours.
 */
export function openChannel(): Channel {
  process.stdout.write = process.stderr.write.bind(process.stderr);
  return {
    send(message) {
      const line = lineOf(message);
      if (line === null) return false;
      writeAll(Buffer.from(`${line}\n`));
      return true;
    },
    async *messages() {
      for await (const line of createInterface({ input: process.stdin })) {
        const message = parseLine(ToBody, line);
        // A kernel speaks the version that it was told; anything else is a bug worth dying of.
        if (message === null) throw new Error("the kernel sent a line that is no message.");
        yield message;
      }
    },
  };
}

/** Waits while the kernel is slow to read: the body's memory is not where lines pile up. */
function writeAll(bytes: Buffer): void {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));
