import {
  FromBody,
  lineOf,
  parseLine,
  PROTOCOL,
  type AnnouncedTool,
  type Json,
  type ToBody,
} from "../../body/protocol.ts";
import type { BodyLimits } from "./body-limits.ts";
import { Pace } from "./pace.ts";
import { problemOf, Performs, type PerformOutcome } from "./performs.ts";
import type { AskOutcome, BodyRequests } from "./requests.ts";
import { now, type BodySignal, type CrashReason } from "./signals.ts";

// As many may come at once after the kernel was away.
const SPARE_BEATS = 30;

export interface ConversationWorld {
  readonly limits: BodyLimits;
  readonly requests: BodyRequests;
  readonly onSignal: (signal: BodySignal) => void;
  /** Writes a line to the body; false when it does not read. */
  readonly send: (line: string) => boolean;
  readonly onReady: (tools: readonly AnnouncedTool[]) => void;
  /** The body has to be ended. Called once or more; the first reason counts. */
  readonly condemn: (reason: CrashReason, detail: string) => void;
}

/**
 * The kernel's end of the channel to one process. What comes in is hostile: parsed, counted, and
 * held to what may come now. Of an unread answer, a late result or a silent body only the body
 * suffers.
 */
export class Conversation {
  readonly #world: ConversationWorld;
  readonly #performs = new Performs();
  readonly #over = new AbortController();
  #tools: readonly AnnouncedTool[] | null = null;
  #violations = 0;
  #requests = 0;
  #lastAsk = 0;
  #sequence = 0;
  #beats = 0;
  #readyAtMs = 0;
  readonly #pace: Pace;
  lastHeardMs = performance.now();

  constructor(world: ConversationWorld) {
    this.#world = world;
    this.#pace = new Pace(world.limits.requestsPerSecond);
  }

  start(releaseDigest: string): void {
    const { heartbeatMs } = this.#world.limits;
    this.tell({ type: "start", releaseDigest, heartbeatMs });
  }

  /** Orders a call. Never rejects. */
  async perform(
    tool: string,
    input: Json,
    options: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<PerformOutcome> {
    const { limits } = this.#world;
    return await this.#performs.order(
      (id) => {
        if (this.#over.signal.aborted) return problemOf("body-gone", "The body has ended.");
        if (this.#performs.waiting > limits.performs) {
          return problemOf("too-many", `${limits.performs} calls wait for the body already.`);
        }
        const line = lineOf({ type: "perform", id, tool, input });
        if (line === null)
          return problemOf("input-too-large", "The input is too large to be sent.");
        return this.#send(line) ? null : problemOf("body-gone", "The body does not read.");
      },
      (id) => this.tell({ type: "perform-cancelled", id }),
      options,
    );
  }

  /** False for a message that is too long, or for a body that is gone or does not read. */
  tell(message: ToBody): boolean {
    const line = lineOf(message);
    return line !== null && !this.#over.signal.aborted && this.#send(line);
  }

  hear(line: string): void {
    if (this.#over.signal.aborted) return;
    const message = parseLine(FromBody, line);
    const refusal = message === null ? "a line that is no message" : this.#take(message);
    if (refusal === null) return;
    this.#violations += 1;
    const count = this.#violations;
    this.#world.onSignal({ at: now(), kind: "protocol-violation", count, detail: refusal });
    if (count >= this.#world.limits.violations) {
      this.#world.condemn("protocol-violation", `it sent ${refusal}`);
    }
  }

  /** Nothing is heard or sent any more, and nobody waits. */
  end(): void {
    this.#over.abort();
    this.#performs.end("The body has ended.");
  }

  /** Null where the message is in its place, else what is wrong with it. */
  #take(message: FromBody): string | null {
    if (message.type === "ready") return this.#ready(message);
    if (this.#tools === null) return `${message.type} before it was ready`;
    switch (message.type) {
      case "heartbeat":
        return this.#heartbeat(message);
      case "result": {
        const { id, ...answer } = message;
        return this.#performs.answered(id, answer) ? null : "a result that nobody asked for";
      }
      case "ask": {
        const { type: _, id, ...ask } = message;
        return this.#serve(id, async () => {
          const outcome = await this.#world.requests.ask(ask, this.#over.signal);
          this.#cycle(outcome);
          return outcome;
        });
      }
      case "propose": {
        const { type: _, id, ...proposal } = message;
        return this.#serve(id, async () => await this.#world.requests.propose(proposal));
      }
      case "report": {
        const { type: _, ...report } = message;
        return this.#work(async () => await this.#world.requests.report(report));
      }
    }
  }

  #ready({ protocol, tools }: Extract<FromBody, { type: "ready" }>): string | null {
    if (this.#tools !== null) return "ready a second time";
    if (protocol !== PROTOCOL) {
      const detail = `it speaks version ${protocol} of the protocol and not ${PROTOCOL}`;
      this.#world.condemn("wrong-protocol", detail);
      return null;
    }
    if (new Set(tools.map(({ name }) => name)).size < tools.length) return "a tool twice";
    this.#tools = tools;
    this.lastHeardMs = performance.now();
    this.#readyAtMs = this.lastHeardMs;
    this.#world.onReady(tools);
    return null;
  }

  #heartbeat(beat: Extract<FromBody, { type: "heartbeat" }>): string | null {
    if (beat.sequence <= this.#sequence) return "a heartbeat that is not the next";
    this.#sequence = beat.sequence;
    this.lastHeardMs = performance.now();
    this.#beats += 1;
    // Each one is work for who judges: many beats are no better than enough.
    const expected = (this.lastHeardMs - this.#readyAtMs) / this.#world.limits.heartbeatMs;
    if (this.#beats > 2 * expected + SPARE_BEATS) return "more heartbeats than it may";
    const { onSignal } = this.#world;
    onSignal({ at: now(), kind: "heartbeat", sequence: beat.sequence });
    // Errors are counted here; that it had more of them than it answered is its own word against it.
    if (beat.toolErrors > this.#performs.errorsSeen) {
      const detail = `It counts ${beat.toolErrors} errors and answered ${this.#performs.errorsSeen}.`;
      onSignal({ at: now(), kind: "self-report", status: "unwell", detail });
    }
    return null;
  }

  #serve(id: number, work: () => Promise<AskOutcome>): string | null {
    if (id <= this.#lastAsk) return "a number that it used before";
    this.#lastAsk = id;
    return this.#work(async () => {
      const reason = "The kernel could not decide; its log says why.";
      this.#answer(id, await work().catch(() => ({ outcome: "unavailable", reason }) as const));
    });
  }

  #work(work: () => Promise<void>): string | null {
    if (this.#requests >= this.#world.limits.requests) return "more requests than it may";
    this.#requests += 1;
    void this.#pace
      .next()
      .then(async () => {
        if (!this.#over.signal.aborted) await work();
      })
      // What the kernel could not do is on its own record.
      .catch(() => undefined)
      .finally(() => (this.#requests -= 1));
    return null;
  }

  #cycle({ outcome }: AskOutcome): void {
    // The kernel's own trouble says nothing about the body, and neither does one that is gone.
    if (outcome === "unavailable" || this.#over.signal.aborted) return;
    const seen = outcome === "failed" ? "error" : outcome;
    this.#world.onSignal({ at: now(), kind: "cycle", outcome: seen });
  }

  #answer(id: number, outcome: AskOutcome): void {
    const wrong = (code: string, message: string): ToBody => ({
      type: "answer",
      id,
      ok: false,
      error: { code, message: message.slice(0, 4000) },
    });
    const answer: ToBody =
      outcome.outcome === "completed"
        ? { type: "answer", id, ok: true, output: outcome.output }
        : wrong(outcome.outcome, outcome.reason);
    if (lineOf(answer) === null) this.tell(wrong("too-large", "The answer is too large."));
    else this.tell(answer);
  }

  #send(line: string): boolean {
    const isSent = this.#world.send(line);
    if (!isSent) this.#world.condemn("not-reading", "it left what it was sent unread");
    return isSent;
  }
}
