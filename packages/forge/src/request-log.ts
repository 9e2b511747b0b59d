import { appendFileSync, closeSync, openSync } from "node:fs";

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

export function openRequestLog(file: string): RequestLog {
  const descriptor = openSync(file, "a", 0o600);
  let open = true;
  return {
    // Synchronous and before the answer is sent: whoever has the answer finds the line, also after a
    // kill. A line is below the size that the kernel appends in one piece.
    record: (line) => {
      // A connection that close() broke has nobody to answer and nothing to say.
      if (!open) return;
      const text = JSON.stringify({ time: new Date().toISOString(), ...line });
      appendFileSync(descriptor, `${text}\n`);
    },
    close: () => {
      open = false;
      closeSync(descriptor);
    },
  };
}
