import type { ChannelLimits } from "./types.ts";

type Bounds = Pick<ChannelLimits, "lineBytes" | "bytesPerSecond">;

/**
 * Cuts what a program writes into lines, within bounds: of it, one unfinished line is held and
 * nothing else, however much and fast it writes. What goes beyond a bound is reported once, and no
 * line comes after that.
 */
export class LineReader {
  readonly #bounds: Bounds;
  readonly #onLine: (line: string) => void;
  readonly #onExcess: () => void;
  readonly #nowMs: () => number;
  #parts: Buffer[] = [];
  #heldBytes = 0;
  /** What may still come now: it fills up with time, to one second's worth. */
  #allowance: number;
  #filledAtMs: number;
  #stopped = false;

  constructor(
    bounds: Bounds,
    on: { line: (line: string) => void; excess: () => void },
    nowMs: () => number,
  ) {
    this.#bounds = bounds;
    this.#onLine = on.line;
    this.#onExcess = on.excess;
    this.#nowMs = nowMs;
    this.#allowance = bounds.bytesPerSecond;
    this.#filledAtMs = nowMs();
  }

  push(chunk: Buffer): void {
    if (!this.count(chunk)) return;
    let rest = chunk;
    for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
      if (!this.#hold(rest.subarray(0, end))) return;
      rest = rest.subarray(end + 1);
      const line = Buffer.concat(this.#parts).toString("utf8");
      this.#parts = [];
      this.#heldBytes = 0;
      this.#onLine(line);
      // Whoever reads it may have had enough.
      if (this.#stopped) return;
    }
    this.#hold(rest);
  }

  /** Counts bytes that came elsewhere against the same allowance. False when nothing counts any more. */
  count(chunk: Buffer): boolean {
    if (this.#stopped) return false;
    const now = this.#nowMs();
    const { bytesPerSecond } = this.#bounds;
    const filled = this.#allowance + ((now - this.#filledAtMs) / 1000) * bytesPerSecond;
    this.#allowance = Math.min(bytesPerSecond, filled) - chunk.length;
    this.#filledAtMs = now;
    return this.#allowance >= 0 || this.#refuse();
  }

  /** No line comes after this. */
  stop(): void {
    this.#stopped = true;
    this.#parts = [];
  }

  #hold(part: Buffer): boolean {
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#bounds.lineBytes) return this.#refuse();
    if (part.length > 0) this.#parts.push(part);
    return true;
  }

  #refuse(): false {
    this.stop();
    this.#onExcess();
    return false;
  }
}

const newline = 0x0a;
