import { afterEach, describe, expect, it } from "vitest";
import { approve, settle } from "../testing/approval.ts";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { makeTestWorld, type TestWorld } from "../testing/pipeline-world.ts";
import { promoteOnBase, rollBack, stepToBase } from "../testing/reverting.ts";
import { readRunResult } from "./runs.ts";

let world: TestWorld;
let repository: TestRepository;

afterEach(async () => {
  await world.close();
  repository.remove();
});

describe("a revert", () => {
  it("takes a tool away with its examples and the tests that are made of them", async () => {
    await open(toolProject());
    const added = await promoteOnBase(world, repository, tool("sub", 5, 2, 3));
    const other = await promoteOnBase(world, repository, tool("more", 4, 1, 3));
    const run = await world.attempt(await rollBack(world, added), 1);
    expect(run.result).toMatchObject({ success: true });
    // What landed since is demanded as before.
    await stepToBase(world, repository);
    const without = repository.patch({ "tools/more/tool.js": null });
    expect((await world.propose(without)).result).toMatchObject({ status: "blocked" });
    expect((await world.attempt(await rollBack(world, other), 1)).result.success).toBe(true);
  });

  it("takes back tests that its change made of data of its own", async () => {
    const files = {
      "data/names.json": JSON.stringify(["one"]),
      "test/names.test.js": [
        `import { readFileSync } from "node:fs";`,
        `import test from "node:test";`,
        `const names = JSON.parse(readFileSync("data/names.json", "utf8"));`,
        `for (const name of names) test(name, () => {});`,
      ].join("\n"),
    };
    await open(files);
    const names = JSON.stringify(["one", "two"]);
    const added = await promoteOnBase(world, repository, { "data/names.json": names });
    const run = await world.attempt(await rollBack(world, added), 1);
    expect(run.result).toMatchObject({ success: true });
    await stepToBase(world, repository);
    const fewer = await world.propose(repository.patch({ "data/names.json": "[]" }));
    expect(fewer.result).toMatchObject({ blockReasons: ["verdict-not-trusted"] });
  });

  it("that a kill ended while it was verified is verified again", async () => {
    await open({});
    const added = await promoteOnBase(world, repository, { "src/new.js": "export const a = 1;\n" });
    const revert = await rollBack(world, added);
    const { stagedSha } = await world.steps.stage(revert, 1);
    await world.safety.kill({ reason: "stop", actor: "anna" });
    expect(await world.steps.verify(revert, stagedSha ?? "")).toEqual({ passed: false });
    expect(await readRunResult(world.db, revert)).toMatchObject({
      status: "parked",
      blockReasons: ["kill-switch-active"],
    });
    await world.safety.setMode("execute", { reason: "go on", actor: "anna" });
    expect((await world.attempt(revert, 2)).result).toMatchObject({ success: true });
  });

  it("may be larger than a patch may be", async () => {
    const config = { version: 1, dependencies: { manager: "none" }, limits: { patchBytes: 4096 } };
    const stages = [{ kind: "check", name: "nothing", argv: ["true"] }];
    await open({
      "big.txt": "a line of a large file\n".repeat(400),
      "jarvis.config.json": JSON.stringify({ ...config, stages }),
    });
    // To rename a large file is a small patch, and git writes its revert as two large ones.
    repository.git("mv", "big.txt", "moved.txt");
    const patch = repository.git("diff", "--cached", "-M", "HEAD");
    const moved = await world.propose(patch);
    expect(moved.result).toMatchObject({ success: true });
    const back = await world.attempt(await rollBack(world, moved.state.runId), 1);
    expect(back.result).toMatchObject({ success: true });
    const [first] = back.events;
    expect(first?.payload).toHaveProperty(
      "patchBytes",
      expect.toSatisfy((n) => n > 4096),
    );
  });
});

describe("a tool that is taken away with a person's approval", () => {
  it("is not asked for any more", async () => {
    await open(toolProject(tool("sub", 5, 2, 3)));
    const gone = Object.fromEntries(Object.keys(tool("sub", 5, 2, 3)).map((path) => [path, null]));
    const run = await world.propose(repository.patch(gone));
    expect(run.result).toMatchObject({ blockReasons: ["evaluator-changed"] });
    await approve(world, run.state.runId);
    expect((await settle(world, run.state.runId)).result).toMatchObject({ success: true });
  });

  it("stays where an approval is of other examples", async () => {
    await open(toolProject(tool("sub", 5, 2, 3)));
    const changes = { ...tool("add", 2, 2, 4), "tools/sub/tool.js": null };
    const run = await world.propose(repository.patch(changes));
    expect(run.result).toMatchObject({ blockReasons: ["evaluator-changed"] });
    await approve(world, run.state.runId);
    expect((await settle(world, run.state.runId)).result).toMatchObject({
      blockReasons: ["isolated-verification-failed"],
    });
  });
});

async function open(files: Record<string, string>): Promise<void> {
  repository = plainProject(files);
  world = await makeTestWorld(repository);
}

/** A tool of two numbers with one example. */
function tool(name: string, a: number, b: number, is: number): Record<string, string> {
  const sign = name === "add" ? "+" : "-";
  return {
    [`tools/${name}/tool.js`]: `export default ([a, b]) => a ${sign} b;\n`,
    [`tools/${name}/examples.json`]: JSON.stringify({
      tool: name,
      examples: [{ input: [a, b], output: is }],
    }),
  };
}

/** A program that answers for its tools, with one test for each example of each. */
function toolProject(more: Record<string, string> = {}): Record<string, string> {
  const node = `import { readdirSync, readFileSync } from "node:fs";`;
  return {
    ...tool("add", 1, 2, 3),
    ...more,
    "app.js": [
      node,
      `const say = (line) => process.stdout.write(JSON.stringify(line) + "\\n");`,
      `const tools = readdirSync("tools").sort();`,
      `say({ type: "ready", tools });`,
      `for (const line of readFileSync(0, "utf8").split("\\n").filter(Boolean)) {`,
      `  const { id, tool, input } = JSON.parse(line);`,
      "  const { default: run } = await import(`./tools/${tool}/tool.js`);",
      `  say({ type: "result", id, output: run(input) });`,
      `}`,
      `say({ type: "stopped" });`,
      "",
    ].join("\n"),
    "test/examples.test.js": [
      `import assert from "node:assert/strict";`,
      node,
      `import test from "node:test";`,
      `for (const name of readdirSync("tools")) {`,
      "  const file = `tools/${name}/examples.json`;",
      `  const { examples } = JSON.parse(readFileSync(file, "utf8"));`,
      "  const { default: run } = await import(`../tools/${name}/tool.js`);",
      "  for (const [n, { input, output }] of examples.entries())",
      "    test(`${file} has the answer ${n + 1}`, () => assert.equal(run(input), output));",
      `}`,
      "",
    ].join("\n"),
    "jarvis.config.json": JSON.stringify({
      version: 1,
      dependencies: { manager: "none" },
      stages: [
        {
          kind: "test",
          name: "tests",
          runner: "node-test",
          argv: ["node", "--test"],
          tests: ["test/*.test.js"],
        },
        {
          kind: "smoke",
          name: "smoke",
          argv: ["node", "app.js"],
          examples: "tools/*/examples.json",
        },
      ],
      protected: { tests: ["tools/*/examples.json"] },
    }),
  };
}
