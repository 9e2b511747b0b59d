/** The last bytes of a text that never ends. */
export class TextTail {
  readonly #limitBytes: number;
  #held = Buffer.alloc(0);

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk.subarray(-this.#limitBytes)]).subarray(
      -this.#limitBytes,
    );
  }

  /** Bytes that are not UTF-8, as where it was cut, become U+FFFD. */
  text(): string {
    return this.#held.toString("utf8");
  }
}
