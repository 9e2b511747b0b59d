import { isDeepStrictEqual } from "node:util";
import picomatch from "picomatch";
import { z } from "zod";
import { isDeeperThan } from "../../json-depth.ts";
import { readFileOfTree, type Mirror } from "../git/mirror.ts";
import type { MigrationStage, SmokeStage } from "../guard-config.ts";
import type { StageDiagnostics } from "../run-result.ts";
import type { StageFailure } from "../stage-words.ts";
import { definedLimits } from "./build-stage.ts";
import { diagnose, failureOf, type RunInSandbox, type StageWorld } from "./stage-world.ts";

const exampleFile = z.object({
  tool: z.string(),
  examples: z
    .array(
      z.object({
        input: z.unknown(),
        output: z.unknown().optional(),
        error: z.string().optional(),
      }),
    )
    .min(1),
});

interface Question {
  readonly id: number;
  readonly tool: string;
  readonly input: unknown;
}

interface Expected extends Question {
  readonly output: unknown;
  readonly error: string | undefined;
}

const answerLine = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), tools: z.array(z.string()) }),
  z.object({
    type: z.literal("result"),
    id: z.number().int(),
    output: z.unknown().optional(),
    error: z.string().optional(),
  }),
  z.object({ type: z.literal("stopped") }),
]);

/** Where examples come from. */
interface ExampleFacts {
  readonly mirror: Mirror;
  readonly baseTree: string;
  readonly basePaths: readonly string[];
  readonly tree: string;
  /** Files of the base that the change need not be held against. */
  readonly released: ReadonlySet<string>;
}

/**
 * The black-box check: the built program runs in the sandbox and is asked over standard input; this
 * process, which never loads candidate code, compares the answers with the declared examples. For
 * tools that the base has, the base's examples count; a new tool is held to its own, and one whose
 * examples are released to what the change makes of them.
 */
export async function runSmokeStage(
  stage: SmokeStage | MigrationStage,
  world: StageWorld,
  facts: ExampleFacts,
  tools: { run: RunInSandbox; signal: AbortSignal },
): Promise<{ diagnostics: StageDiagnostics; asked: number }> {
  const started = new Date();
  const expected = await readExamples(stage, world.paths, facts);
  if (typeof expected === "string") {
    return {
      asked: 0,
      diagnostics: diagnose(stage, started, {
        status: "failed",
        category: "examples-invalid",
        reason: expected,
        results: [],
      }),
    };
  }
  const questions = expected.map(({ id, tool, input }): Question => ({ id, tool, input }));
  const result = await tools.run({
    argv: stage.argv,
    workspace: world.directory,
    mounts: world.mounts,
    stdin: questions.map((question) => `${JSON.stringify(question)}\n`).join(""),
    ...(stage.limits === undefined ? {} : { limits: definedLimits(stage.limits) }),
    signal: tools.signal,
  });
  const failure =
    failureOf(result) ??
    (stage.examples === undefined ? null : judgeAnswers(result.stdout, expected)) ??
    judgeOutput(stage, result.stdout);
  const diagnostics =
    failure === null
      ? diagnose(stage, started, { status: "passed", results: [result] })
      : diagnose(stage, started, {
          status: failure.category === "infrastructure" ? "error" : "failed",
          ...failure,
          results: [result],
        });
  return { diagnostics, asked: questions.length };
}

async function readExamples(
  stage: SmokeStage | MigrationStage,
  paths: readonly string[],
  facts: ExampleFacts,
): Promise<Expected[] | string> {
  if (stage.examples === undefined) return [];
  const match = picomatch(stage.examples, { dot: true });
  const inBase = new Set(facts.basePaths.filter((path) => !facts.released.has(path)));
  const expected: Expected[] = [];
  for (const path of new Set([...inBase, ...paths].filter((file) => match(file)))) {
    const tree = inBase.has(path) ? facts.baseTree : facts.tree;
    const text = (await readFileOfTree(facts.mirror, tree, path))?.toString("utf8") ?? "";
    const parsed = exampleFile.safeParse(safeJson(text));
    if (!parsed.success)
      return `${path} is not a file of examples: expected {tool, examples: [{input, output}]}`;
    for (const example of parsed.data.examples) {
      expected.push({
        id: expected.length + 1,
        tool: parsed.data.tool,
        input: example.input,
        output: example.output,
        error: example.error,
      });
    }
  }
  return expected;
}

/** Pure: what the program printed against what it had to answer; null where all is as declared. */
export function judgeAnswers(stdout: string, expected: readonly Expected[]): StageFailure | null {
  const wrong = (reason: string): StageFailure => ({
    category: "smoke-failed",
    reason,
  });
  const lines: z.infer<typeof answerLine>[] = [];
  for (const line of stdout.split("\n")) {
    if (line.trim() === "") continue;
    const parsed = answerLine.safeParse(safeJson(line));
    if (!parsed.success)
      return wrong(`the program printed a line that is no answer: ${line.slice(0, 200)}`);
    lines.push(parsed.data);
  }
  const [first] = lines;
  if (first?.type !== "ready") return wrong("the program did not say that it is ready");
  const missing = new Set(expected.map((question) => question.tool));
  for (const tool of first.tools) missing.delete(tool);
  if (missing.size > 0) return wrong(`these tools did not register: ${[...missing].join(", ")}`);
  const answers = new Map<number, { output?: unknown; error?: string | undefined }>();
  for (const line of lines) {
    if (line.type !== "result") continue;
    if (answers.has(line.id)) return wrong(`question ${line.id} was answered twice`);
    answers.set(line.id, line);
  }
  for (const question of expected) {
    const answer = answers.get(question.id);
    const asked = `${question.tool}(${JSON.stringify(question.input).slice(0, 200)})`;
    if (answer === undefined) return wrong(`${asked} was not answered`);
    if (question.error !== undefined) {
      if (answer.error === undefined || !answer.error.includes(question.error)) {
        return wrong(`${asked} had to refuse with "${question.error}"`);
      }
    } else if (answer.error !== undefined) {
      return wrong(`${asked} answered with an error: ${answer.error.slice(0, 300)}`);
    } else if (!isDeepStrictEqual(answer.output, question.output)) {
      return wrong(
        `${asked} answered ${JSON.stringify(answer.output)?.slice(0, 300)}, expected ${JSON.stringify(question.output)?.slice(0, 300)}`,
      );
    }
  }
  return lines.at(-1)?.type === "stopped" ? null : wrong("the program did not stop in order");
}

function judgeOutput(stage: SmokeStage | MigrationStage, stdout: string): StageFailure | null {
  if (stage.expectOutput === undefined || stdout.includes(stage.expectOutput)) return null;
  return {
    category: "smoke-failed",
    reason: `the program did not print ${JSON.stringify(stage.expectOutput)}`,
  };
}

/** Deeper than any answer has to be; comparing or printing a document goes as deep as it is. */
const DEEPEST = 100;

/** A candidate's JSON; undefined where it is none, or so deep that whoever walks it would fail. */
function safeJson(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    return isDeeperThan(document, DEEPEST) ? undefined : document;
  } catch {
    return undefined;
  }
}
