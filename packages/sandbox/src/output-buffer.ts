/** What a program prints on both its streams, up to one limit for the two together. */
export class OutputBuffer {
  readonly #limitBytes: number;
  readonly #onOverflow: () => void;
  readonly #chunks: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  #heldBytes = 0;
  #truncated = false;

  /** `onOverflow` is called for every chunk beyond the limit, which is cut there. */
  constructor(limitBytes: number, onOverflow: () => void) {
    this.#limitBytes = limitBytes;
    this.#onOverflow = onOverflow;
  }

  get truncated(): boolean {
    return this.#truncated;
  }

  push(stream: "stdout" | "stderr", chunk: Buffer): void {
    const fitting = chunk.subarray(0, this.#limitBytes - this.#heldBytes);
    if (fitting.length > 0) this.#chunks[stream].push(fitting);
    this.#heldBytes += fitting.length;
    if (fitting.length < chunk.length) {
      this.#truncated = true;
      this.#onOverflow();
    }
  }

  /** Bytes that are not UTF-8 become U+FFFD. */
  text(stream: "stdout" | "stderr"): string {
    return Buffer.concat(this.#chunks[stream]).toString("utf8");
  }
}
