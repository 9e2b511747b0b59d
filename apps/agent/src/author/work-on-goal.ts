import { createHash } from "node:crypto";
import type { ScratchTree } from "@jarvis/tools/self-extension";
import {
  ModelError,
  type Message,
  type ModelAnswer,
  type ModelPort,
  type TextPart,
  type ToolAnswer,
} from "../kernel/model/model-port.ts";
import { callTool, offeredTools, type Called, type ToolWorld } from "./author-tools.ts";
import { boundedAnswers, fitted } from "./conversation.ts";
import { describeReport, type AttemptReport, type Tried } from "./diagnostics.ts";
import { Notes } from "./notes.ts";
import { AUTHOR_PROMPT } from "./prompt.ts";

/** About a hundred thousand tokens. */
const CONTEXT_CHARACTERS = 300_000;
/** What one step may answer: two of them are never cut, and fit in beside what was asked first. */
const STEP_CHARACTERS = 80_000;
/** So many steps in a row that bring nothing new end an attempt. */
const STALLED_STEPS = 2;
/** More calls at once are not carried out. */
const CALLS_AT_ONCE = 20;

export interface AuthorTask {
  readonly goal: string;
  /** What the repository says to whoever works on it. */
  readonly instructions: readonly TextPart[];
  readonly stages: readonly string[];
  /** Attempts before this one, oldest first. */
  readonly before: readonly { readonly number: number; readonly report: AttemptReport }[];
  /** The scratch tree holds what the last attempt proposed. */
  readonly isContinued: boolean;
  /** Trees that were refused before. */
  readonly refusedTrees: ReadonlySet<string>;
}

/** How an attempt ended, and what was done in it. */
export type AuthorEnd = Ending & { readonly tried: Tried };

/** `detail` is one sentence for people; some of it may be the model's words. */
type Ending =
  | { readonly end: "proposed"; readonly title: string; readonly patch: string; treeSha: string }
  | { readonly end: "given-up"; readonly detail: string }
  | { readonly end: "no-progress"; readonly detail: string }
  | { readonly end: "budget" | "day-budget"; readonly detail: string }
  | { readonly end: "filtered"; readonly detail: string };

/**
 * One attempt at a goal: the model is asked, what it asks for is carried out on the scratch tree,
 * until it proposes or gives up, brings nothing new twice in a row, or a budget ends it. Throws
 * `ModelError` where the model cannot be had.
 */
export async function workOnGoal(
  task: AuthorTask,
  world: ToolWorld & { readonly model: ModelPort; readonly maxOutputTokens: number },
  signal: AbortSignal,
): Promise<AuthorEnd> {
  const notes = new Notes(world.scratch);
  const ending = await converse(task, world, { signal, notes });
  return { ...ending, tried: notes.tried() };
}

async function converse(
  task: AuthorTask,
  world: ToolWorld & { readonly model: ModelPort; readonly maxOutputTokens: number },
  { signal, notes }: { signal: AbortSignal; notes: Notes },
): Promise<Ending> {
  const { scratch, model, maxOutputTokens } = world;
  const messages: Message[] = [{ role: "user", parts: firstWords(task) }];
  const seen = new Set<string>();
  let stalled = 0;
  for (;;) {
    const sent = fitted(messages, CONTEXT_CHARACTERS);
    if (sent === null) {
      return { end: "budget", detail: "The conversation grew longer than a model is told." };
    }
    const request = { system: AUTHOR_PROMPT, messages: sent, tools: offeredTools, maxOutputTokens };
    const answer = await askWithin(model, request, signal);
    if ("end" in answer) return answer;
    if (answer.finish === "filtered") {
      return { end: "filtered", detail: "The model's host withheld the answer." };
    }
    const calls = answer.calls.slice(0, CALLS_AT_ONCE);
    messages.push({ role: "assistant", text: answer.text, calls });
    let isNew = false;
    if (calls.length === 0) {
      messages.push({
        role: "user",
        parts: [{ text: "Call a tool: propose, give_up or another." }],
      });
    } else {
      const answers: ToolAnswer[] = [];
      let over: Ending | null = null;
      for (const call of calls) {
        signal.throwIfAborted();
        const called =
          over === null
            ? await callTool(call.tool, call.input, call.problem, world)
            : { parts: [{ text: "The attempt is over." }] };
        notes.take(called);
        const end = await endOf(called, task, scratch);
        over ??= end.over;
        answers.push({ callId: call.id, tool: call.tool, parts: end.parts });
        isNew = noteNew(seen, [call.tool, call.input, end.parts]) || isNew;
      }
      if (over !== null) return over;
      messages.push({ role: "tool", answers: boundedAnswers(answers, STEP_CHARACTERS) });
    }
    stalled = isNew ? 0 : stalled + 1;
    if (stalled >= STALLED_STEPS) {
      const detail = "The model brought nothing new twice in a row.";
      return { end: "no-progress", detail };
    }
  }
}

function firstWords(task: AuthorTask): TextPart[] {
  const { goal, instructions, stages, before, isContinued } = task;
  return [
    { text: `The goal:\n\n${goal}` },
    ...instructions,
    { text: `Checks that run_stage knows: ${stages.join(", ")}.`, isVolatile: true },
    ...before.flatMap(({ number, report }) => describeReport(number, report)),
    ...(isContinued
      ? [{ text: "The scratch copy holds what the last attempt proposed; show_diff shows it." }]
      : []),
  ];
}

/** The model's answer, or the end by a budget that does not take one more request. */
async function askWithin(
  model: ModelPort,
  request: Parameters<ModelPort["ask"]>[0],
  signal: AbortSignal,
): Promise<ModelAnswer | Extract<Ending, { end: "budget" | "day-budget" }>> {
  try {
    return await model.ask(request, signal);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const { code, message: detail } = error;
    if (code === "budget" || code === "day-budget") return { end: code, detail };
    throw error;
  }
}

async function endOf(
  called: Called,
  task: AuthorTask,
  scratch: ScratchTree,
): Promise<{ parts: readonly TextPart[]; over: Ending | null }> {
  const { end, parts } = called;
  if (end === undefined) return { parts, over: null };
  if (end.kind === "give-up") return { parts, over: { end: "given-up", detail: end.reason } };
  const treeSha = await scratch.tree();
  if (task.refusedTrees.has(treeSha)) {
    const text = "This very change was refused before; change something, or give up.";
    return { parts: [{ text }], over: null };
  }
  const patch = await scratch.patch();
  return { parts, over: { end: "proposed", title: end.title, patch, treeSha } };
}

/** Whether a call and its answer were not seen before in this attempt. */
function noteNew(seen: Set<string>, what: unknown): boolean {
  const digest = createHash("sha256").update(JSON.stringify(what)).digest("hex");
  const isNew = !seen.has(digest);
  seen.add(digest);
  return isNew;
}
