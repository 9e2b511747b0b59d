import { appendFileSync, closeSync, existsSync, fstatSync, openSync, renameSync } from "node:fs";

interface RequestLine {
  method: string;
  /** Without the query, which could hold anything. */
  path: string;
  /** 0 where the connection was closed without an answer. */
  status: number;
  /** Whether the request asked for a change, granted or not. */
  mutation: boolean;
  actor: string | null;
  /** Why a request failed inside the forge. */
  error?: string;
  /** What a test had ordered to go wrong here. */
  faults?: string[];
  /** The status that such a fault replaced: what took effect, and the client was not told. */
  hidden?: number;
}

/** One JSON line per request. Never a token, a header or a body. */
export interface RequestLog {
  record(line: RequestLine): void;
  close(): void;
}

// Two such files are kept, some 400,000 requests: whoever may connect, without a token too, adds a line.
const LARGEST_BYTES = 32 * 1024 * 1024;

/** Appends to `file`. What is full is kept beside it, as `.1`, until the next one is. */
export function openRequestLog(file: string, largestBytes = LARGEST_BYTES): RequestLog {
  let descriptor = openSync(file, "a", 0o600);
  let { size } = fstatSync(descriptor);
  let open = true;
  const beginAnother = (): void => {
    // Not there: the last time it was renamed, and no other could be opened.
    if (existsSync(file)) renameSync(file, `${file}.1`);
    const next = openSync(file, "a", 0o600);
    closeSync(descriptor);
    descriptor = next;
    size = 0;
  };
  return {
    // Synchronous and before the answer is sent: whoever has the answer finds the line, also after a
    // kill. A line is below the size that the kernel appends in one piece.
    record: (line) => {
      // A connection that close() broke has nobody to answer and nothing to say.
      if (!open) return;
      const text = `${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`;
      const bytes = Buffer.byteLength(text);
      if (size > 0 && size + bytes > largestBytes) beginAnother();
      appendFileSync(descriptor, text);
      size += bytes;
    },
    close: () => {
      open = false;
      closeSync(descriptor);
    },
  };
}
