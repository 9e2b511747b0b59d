import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AnnouncedTool, Json } from "../../body/protocol.ts";
import { judgeByBaseline, judgeByExample, type ProbeVerdict } from "./judge-probe.ts";
import type { KnownAnswer } from "./known-answers.ts";
import type { PerformOutcome } from "./performs.ts";
import { OwnDelay } from "./own-delay.ts";
import { now, type BodySignal } from "./signals.ts";
import { randomFrom, varyInput, type Random } from "./vary-input.ts";

/** A body that can be asked; a `BodyKeeper` is one. */
export interface Probed {
  readonly tools: readonly AnnouncedTool[];
  perform(
    tool: string,
    input: Json,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<PerformOutcome>;
}

export type ProbeResult = ProbeVerdict & {
  readonly tool: string;
  /** How the answer was known. */
  readonly by: "example" | "baseline";
  /** Of the serving body; null where the kernel itself was kept waiting meanwhile. */
  readonly latencyMs: number | null;
};

export interface ProbeOptions {
  /** From `knownAnswers`. */
  readonly known: readonly KnownAnswer[];
  /** Variations of each known input, asked of both bodies. */
  readonly variations: number;
  /** After this an answer is late. */
  readonly timeoutMs: number;
  /** Tools that the change touches: their outputs may differ from the baseline's. */
  readonly changedTools?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
  /** How late this process itself is. */
  readonly delay?: OwnDelay;
}

/**
 * Asks every tool with a known answer once, and variations of these inputs of both bodies. The
 * kernel judges; what the body says of itself plays no part. Only tools that read are asked.
 * The same seed asks the same questions.
 */
export async function* probeRound(
  serving: Probed,
  baseline: Probed | null,
  seed: number,
  options: ProbeOptions,
): AsyncGenerator<ProbeResult> {
  for (const question of questionsOf(serving, baseline, randomFrom(seed), options)) {
    if (options.signal?.aborted === true) return;
    yield await ask(question, serving, baseline, options);
  }
}

export interface ProbingOptions extends Omit<ProbeOptions, "signal"> {
  readonly serving: Probed;
  /** Null while no other body runs beside it: then examples are all that is asked. */
  readonly baseline: () => Probed | null;
  /** At most so many questions a second; asked before each. */
  readonly perSecond: () => number;
  readonly onSignal: (signal: BodySignal) => void;
}

/** Asks round after round, each from a seed that nobody can foresee. Answers how to stop. */
export function startProbing(options: ProbingOptions): { stop(): Promise<void> } {
  const over = new AbortController();
  const delay = new OwnDelay();
  const working = probeUntil(over.signal, { ...options, delay });
  return {
    async stop() {
      over.abort();
      await working;
      delay.stop();
    },
  };
}

async function probeUntil(signal: AbortSignal, options: ProbingOptions): Promise<void> {
  const { serving, onSignal, perSecond } = options;
  while (!signal.aborted) {
    const baseline = options.baseline();
    const beganAtMs = performance.now();
    const round = probeRound(serving, baseline, randomInt(2 ** 32), { ...options, signal });
    for await (const result of round) {
      const found = signalOf(result);
      if (found !== null) onSignal(found);
      await pause(1000 / perSecond(), signal);
    }
    // Nothing to ask, as while no body runs, must not become a loop without a pause.
    const everyMs = 1000 / perSecond();
    if (performance.now() - beganAtMs < everyMs) await pause(everyMs, signal);
  }
}

interface Question {
  readonly tool: string;
  readonly input: Json;
  /** The example that declares the answer; null where the baseline is asked for it. */
  readonly example: KnownAnswer | null;
}

/** In an order of its own each time: a body cannot count its way to what comes next. */
function questionsOf(
  serving: Probed,
  baseline: Probed | null,
  random: Random,
  { known, variations }: ProbeOptions,
): Question[] {
  // Whether a tool only reads is the baseline's word, where it has the tool.
  const announced = new Map(
    [...serving.tools, ...(baseline?.tools ?? [])].map((tool) => [tool.name, tool]),
  );
  const inBaseline = new Set(baseline?.tools.map(({ name }) => name));
  const questions = known.flatMap((example): Question[] => {
    const { tool, input } = example;
    const described = announced.get(tool);
    // Declared and not announced at all: asked, so that it is missed.
    if (described !== undefined && described.effect !== "read") return [];
    const varied = Array.from({ length: inBaseline.has(tool) ? variations : 0 }, () => ({
      tool,
      input: varyInput(input, described?.inputSchema, random),
      example: null,
    }));
    return [{ tool, input, example }, ...varied];
  });
  return questions
    .map((question) => ({ question, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ question }) => question);
}

async function ask(
  { tool, input, example }: Question,
  serving: Probed,
  baseline: Probed | null,
  { timeoutMs, changedTools, signal, delay }: ProbeOptions,
): Promise<ProbeResult> {
  const options = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
  const askedAtMs = performance.now();
  const answer = await serving.perform(tool, input, options);
  // On a machine that is too busy everybody is slow, and the release is not to blame.
  const latencyMs = delay?.wasLateSince(askedAtMs) === true ? null : answer.latencyMs;
  if (example !== null) {
    return { tool, by: "example", latencyMs, ...judgeByExample(example, answer) };
  }
  // One after the other, so that neither makes the other wait.
  const theirs = await baseline?.perform(tool, input, options);
  const verdict: ProbeVerdict =
    theirs === undefined
      ? { verdict: "skipped", detail: null }
      : judgeByBaseline(theirs, answer, changedTools?.has(tool) === true);
  return { tool, by: "baseline", latencyMs, ...verdict };
}

/** What a result is to a health window; null where it says nothing. */
export function signalOf({ verdict, tool, latencyMs, detail }: ProbeResult): BodySignal | null {
  if (verdict === "skipped") return null;
  return { at: now(), kind: "tool-call", tool, outcome: verdict, latencyMs, detail };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
