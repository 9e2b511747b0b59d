import {
  SelfExtensionError,
  type ScratchTree,
  type StageDiagnostics,
} from "@jarvis/tools/self-extension";
import { z } from "zod";
import type { OfferedTool, TextPart } from "../kernel/model/model-port.ts";
import { describeStage } from "./diagnostics.ts";
import type { Skill } from "./instructions.ts";

/** More of a file than this is asked for in pieces. */
const READ_LINES = 800;
const ANSWER_CHARACTERS = 60_000;
const FOUND_LINES = 100;

export interface ToolWorld {
  readonly scratch: ScratchTree;
  readonly skills: readonly Skill[];
  readonly tryStage: (treeSha: string, stage: string) => Promise<StageDiagnostics>;
}

/** What a call led to. `end` is the author's word that the attempt is over. */
export interface Called {
  readonly parts: readonly TextPart[];
  /** The author's plan from here on. */
  readonly plan?: readonly string[];
  /** What was done that a report should name, in a line. */
  readonly did?: string;
  readonly end?: { kind: "propose"; title: string } | { kind: "give-up"; reason: string };
}

interface AuthorTool<Input> {
  readonly description: string;
  readonly input: z.ZodType<Input>;
  run(input: Input, world: ToolWorld): Promise<Called> | Called;
}

const path = z.string().max(1_000).describe("relative to the repository, with / between");

const PLAN_STEPS = 20;
const STEP_CHARACTERS = 200;

const tools = {
  write_plan: tool({
    description: "Writes down what you are going to do, before you do it; again where it changes.",
    input: z.object({
      steps: z.array(z.string().trim().min(1).max(STEP_CHARACTERS)).min(1).max(PLAN_STEPS),
    }),
    run: ({ steps }) => ({ ...says("It is written down."), plan: steps }),
  }),
  list_files: tool({
    description: "Lists what lies in a directory; directories end with /.",
    input: z.object({ path: path.default("") }),
    run: (given, { scratch }) => says(scratch.list(given.path).join("\n")),
  }),
  read_file: tool({
    description: `Reads a file, with numbers before its lines; at most ${READ_LINES} lines at once.`,
    input: z.object({
      path,
      from: z.int().min(1).default(1).describe("the first line"),
      lines: z.int().min(1).max(READ_LINES).default(READ_LINES),
    }),
    async run(given, { scratch }) {
      const all = (await scratch.read(given.path)).split("\n");
      const shown = all.slice(given.from - 1, given.from - 1 + given.lines);
      const more = all.length - (given.from - 1 + shown.length);
      const numbered = shown.map((line, index) => `${given.from + index}\t${line}`).join("\n");
      return says(more > 0 ? `${numbered}\n[${more} more lines]` : numbered);
    },
  }),
  search: tool({
    description: "Finds the lines that hold a literal text, in all files or below a directory.",
    input: z.object({ text: z.string().min(1).max(500), path: path.default("") }),
    async run(given, { scratch }) {
      const found = await scratch.search(given.text, given.path, FOUND_LINES);
      if (found.length === 0) return says("No line holds it.");
      return says(found.map((at) => `${at.path}:${at.line}: ${at.text}`).join("\n"));
    },
  }),
  edit_file: tool({
    description: "Replaces a text that stands once in a file by another.",
    input: z.object({
      path,
      before: z.string().min(1).describe("exactly as it stands in the file"),
      after: z.string(),
    }),
    async run(given, { scratch }) {
      await scratch.edit(given.path, given.before, given.after);
      return says(`${given.path} is changed.`);
    },
  }),
  write_file: tool({
    description: "Writes a whole file, new or in place of the one that is there.",
    input: z.object({ path, content: z.string() }),
    run(given, { scratch }) {
      scratch.write(given.path, given.content);
      return says(`${given.path} is written.`);
    },
  }),
  delete_file: tool({
    description: "Takes a file away.",
    input: z.object({ path }),
    run(given, { scratch }) {
      scratch.delete(given.path);
      return says(`${given.path} is gone.`);
    },
  }),
  run_stage: tool({
    description: "Runs one of the repository's checks on the scratch copy, in a sandbox.",
    input: z.object({ stage: z.string().min(1).max(200) }),
    async run(given, { scratch, tryStage }) {
      const tried = await tryStage(await scratch.tree(), given.stage);
      const [failing = tried.reason ?? "no reason"] = tried.failingTests;
      const how = tried.status === "passed" ? "passed" : `${tried.status}: ${failing}`;
      return { parts: describeStage(tried), did: `ran ${tried.name}: ${how}` };
    },
  }),
  show_diff: tool({
    description: "Shows what was changed so far, as a git patch.",
    input: z.object({}),
    run: async (_, { scratch }) => says((await scratch.patch()) || "Nothing is changed yet."),
  }),
  read_skill: tool({
    description: "Reads instructions of the repository for one kind of work.",
    input: z.object({ name: z.string().min(1).max(200) }),
    async run(given, { scratch, skills }) {
      const skill = skills.find(({ name }) => name === given.name);
      if (skill === undefined) return says(`There is no skill ${JSON.stringify(given.name)}.`);
      return says(await scratch.read(skill.path));
    },
  }),
  propose: tool({
    description: "Hands the change in to be judged, and ends the attempt.",
    input: z.object({
      title: z.string().trim().min(1).max(200).describe("one line that names it"),
    }),
    async run({ title }, { scratch }) {
      if ((await scratch.patch()) === "") return says("Nothing is changed yet.");
      return { ...says("It is handed in."), end: { kind: "propose", title } };
    },
  }),
  give_up: tool({
    description: "Ends the attempt without a change.",
    input: z.object({ reason: z.string().trim().min(1).max(2_000) }),
    run: ({ reason }) => ({ ...says("The attempt is over."), end: { kind: "give-up", reason } }),
  }),
};

export const offeredTools: readonly OfferedTool[] = Object.entries(tools).map(
  ([name, { description, input }]) => ({
    name,
    description,
    inputSchema: z.toJSONSchema(input, { io: "input" }),
  }),
);

/**
 * Carries out what the model asks for. What it asks wrongly is answered with a sentence, so that it
 * can ask better; only bugs and a broken world are thrown.
 */
export async function callTool(
  name: string,
  input: unknown,
  problem: string | null,
  world: ToolWorld,
): Promise<Called> {
  const found = Object.hasOwn(tools, name) ? tools[name as keyof typeof tools] : undefined;
  if (found === undefined) return says(`There is no tool ${JSON.stringify(name.slice(0, 100))}.`);
  const parsed = found.input.safeParse(input);
  if (problem !== null || !parsed.success) {
    const issue = parsed.error?.issues[0];
    const why = problem ?? `${issue?.path.join(".") || "input"}: ${issue?.message ?? "unreadable"}`;
    return says(`${name} cannot read its arguments: ${why}.`);
  }
  try {
    const called = await (found as AuthorTool<unknown>).run(parsed.data, world);
    return { ...called, parts: called.parts.map(cut) };
  } catch (error) {
    if (error instanceof SelfExtensionError && error.code === "scratch-refused") {
      return says(error.message);
    }
    throw error;
  }
}

function cut(part: TextPart): TextPart {
  if (part.text.length <= ANSWER_CHARACTERS) return part;
  return { ...part, text: `${part.text.slice(0, ANSWER_CHARACTERS)}\n[cut]` };
}

function says(text: string): Called {
  return { parts: [{ text }] };
}

function tool<Input>(definition: AuthorTool<Input>): AuthorTool<Input> {
  return definition;
}
