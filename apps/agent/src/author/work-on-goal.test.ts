import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchBranch, openMirror, ScratchTree, treeOf } from "@jarvis/tools/self-extension";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ModelError, type ModelAnswer, type ModelRequest } from "../kernel/model/model-port.ts";
import { failedStage } from "../testing/failed-stage.ts";
import { plainProject, type TestRepository } from "../testing/repository.ts";
import { readInstructions } from "./instructions.ts";
import { workOnGoal, type AuthorEnd, type AuthorTask } from "./work-on-goal.ts";

const directory = mkdtempSync(join(tmpdir(), "jarvis-author-"));
const skill = "---\nname: releases\ndescription: How releases are made.\n---\n\nSlowly.\n";
const task: AuthorTask = {
  goal: "a goal",
  instructions: [],
  stages: ["tests"],
  before: [],
  isContinued: false,
  refusedTrees: new Set(),
};
let repository: TestRepository;
let scratch: ScratchTree;
let open: () => Promise<ScratchTree>;

beforeAll(async () => {
  repository = plainProject();
  repository.write({
    "AGENTS.md": "Be brief.\n",
    ".agents/skills/releases/SKILL.md": skill,
    ".agents/skills/broken/SKILL.md": "no head\n",
  });
  repository.commit("Instructions");
  const mirror = await openMirror(join(directory, "mirror.git"));
  const remote = { url: join(repository.directory, ".git"), authorization: null };
  const tree = await treeOf(mirror, await fetchBranch(mirror, remote, "main"));
  open = async () => await ScratchTree.open(mirror, tree);
});
beforeEach(async () => {
  scratch = await open();
});
afterAll(() => {
  repository.remove();
  rmSync(directory, { recursive: true });
});

describe("an attempt", () => {
  it("ends with a proposal, which holds what was changed", async () => {
    const { end } = await work([
      one("write_file", { path: "src/x.js", content: "export const x = 1;\n" }),
      one("propose", { title: "Adds x" }),
    ]);
    expect(end).toMatchObject({ end: "proposed", title: "Adds x" });
    expect("patch" in end && end.patch).toContain("+export const x = 1;");
  });

  it("ends when the model gives up, says nothing useful twice, or asks for the same again", async () => {
    expect((await work([one("give_up", { reason: "too hard" })])).end).toMatchObject({
      end: "given-up",
      detail: "too hard",
    });
    const chat = await work([say("Hm."), say("Hm.")]);
    expect([chat.end.end, chat.told.length]).toEqual(["no-progress", 2]);
    const list = one("list_files", {});
    const same = await work([list, list, list, list]);
    expect([same.end.end, same.told.length]).toEqual(["no-progress", 3]);
  });

  it("ends where the host withholds an answer or a budget takes no further request", async () => {
    const filtered = await work([{ ...say(""), finish: "filtered" as const }]);
    expect(filtered.end.end).toBe("filtered");
    for (const code of ["budget", "day-budget"] as const) {
      const over = await work([new ModelError(code, "used up")]);
      expect(over.end).toMatchObject({ end: code, detail: "used up" });
    }
    await expect(work([new ModelError("unauthorised", "no key")])).rejects.toThrow("no key");
  });

  it("keeps what was planned and done, however it ends", async () => {
    const { end, told } = await work(
      [
        one("write_plan", { steps: [] }),
        one("write_plan", { steps: ["Write x."] }),
        one("write_plan", { steps: ["Write x.", "Try it."] }),
        one("write_file", { path: "src/x.js", content: "1\n" }),
        one("run_stage", { stage: "tests" }),
        one("give_up", { reason: "no use" }),
      ],
      {},
      [],
      async () => await Promise.resolve(failedStage("adds")),
    );
    expect(end.tried).toEqual({
      plan: ["Write x.", "Try it."],
      tried: ["changed src/x.js", "ran tests: failed: adds"],
    });
    expect(JSON.stringify(told[1]?.messages)).toContain("write_plan cannot read its arguments");
    scratch = await open();
    expect((await work([say(""), say("")])).end.tried).toEqual({ plan: [], tried: [] });
  });

  it("hears what was wrong with a call, and goes on", async () => {
    const { told, end } = await work([
      one("read_file", { path: 5 }),
      { ...one("read_file", {}), calls: [{ ...call("read_file", {}), problem: "broken" }] },
      one("constructor", {}),
      one("propose", { title: "Nothing" }),
      one("edit_file", { path: "src/add.js", before: "nowhere", after: "" }),
      one("give_up", { reason: "enough" }),
    ]);
    expect(end.end).toBe("given-up");
    const answers = JSON.stringify(told.at(-1)?.messages);
    for (const sentence of [
      "read_file cannot read its arguments: path",
      "read_file cannot read its arguments: broken",
      "There is no tool",
      "Nothing is changed yet",
      "does not stand in src/add.js",
    ]) {
      expect(answers).toContain(sentence);
    }
  });

  it("does not propose what was refused before", async () => {
    scratch.write("src/x.js", "1\n");
    const refusedTrees = new Set([await scratch.tree()]);
    const again = await work(
      [one("propose", { title: "Again" }), one("propose", { title: "Again!" }), say(""), say("")],
      { refusedTrees },
    );
    expect(again.end.end).toBe("no-progress");
    expect(JSON.stringify(again.told)).toContain("was refused before");
  });

  it("is told what the repository says, and reads a skill that it asks for", async () => {
    const { parts, skills } = await readInstructions(scratch);
    expect(skills.map(({ name }) => name)).toEqual(["releases"]);
    const { told } = await work(
      [
        one("read_skill", { name: "releases" }),
        one("read_skill", { name: "../../etc" }),
        one("give_up", { reason: "done" }),
      ],
      { instructions: parts },
      skills,
    );
    const first = JSON.stringify(told[0]?.messages);
    expect(first).toContain("Be brief.");
    expect(first).toContain("releases: How releases are made.");
    const last = JSON.stringify(told.at(-1)?.messages);
    expect(last).toContain("Slowly.");
    expect(last).toContain("There is no skill");
  });

  it("begins with why earlier ones were refused", async () => {
    const report = {
      reason: "Stage tests: two tests failed.",
      blockReasons: ["isolated-verification-failed"],
      stage: "tests",
      category: "tests-failed",
      failingTests: ["adds"],
      tail: "expected 3",
      plan: ["Look at add.", "Mend it."],
      tried: ["changed src/add.js", "ran tests: failed: adds"],
    };
    const { told } = await work([one("give_up", { reason: "no" })], {
      before: [{ number: 1, report }],
      isContinued: true,
    });
    const first = JSON.stringify(told[0]?.messages);
    for (const part of [
      "two tests failed",
      "Failing test: adds",
      "expected 3",
      "What it planned:\\n- Look at add.\\n- Mend it.",
      "What it did:\\n- changed src/add.js\\n- ran tests: failed: adds",
      "last attempt proposed",
    ]) {
      expect(first).toContain(part);
    }
  });
});

type World = Parameters<typeof workOnGoal>[1];

async function work(
  answers: readonly (ModelAnswer | ModelError)[],
  more: Partial<AuthorTask> = {},
  skills: World["skills"] = [],
  tryStage: World["tryStage"] = async () =>
    await Promise.reject(new Error("no stage is tried here")),
): Promise<{ end: AuthorEnd; told: readonly ModelRequest[] }> {
  const told: ModelRequest[] = [];
  const end = await workOnGoal(
    { ...task, ...more },
    {
      scratch,
      skills,
      tryStage,
      model: {
        name: "test",
        async ask(request) {
          told.push({ ...request, messages: [...request.messages] });
          const answer = answers[told.length - 1];
          if (answer === undefined || answer instanceof ModelError) {
            throw answer ?? new Error("it was asked more often than expected");
          }
          return await Promise.resolve(answer);
        },
      },
      maxOutputTokens: 100,
    },
    new AbortController().signal,
  );
  return { end, told };
}

function call(tool: string, input: unknown) {
  return { id: tool, tool, input, problem: null };
}

function one(tool: string, input: unknown): ModelAnswer {
  return { ...say(""), calls: [call(tool, input)], finish: "calls" };
}

function say(text: string): ModelAnswer {
  return { text, calls: [], finish: "stop", usage: { inputTokens: 1, outputTokens: 1 } };
}
