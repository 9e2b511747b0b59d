import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { releaseOfWorkingTree } from "../../testing/body-release.ts";
import { keepForTest } from "../../testing/kept-body.ts";
import type { AskOutcome } from "./requests.ts";

it("tools that print, never end, answer too much or call each other leave the channel whole", async () => {
  const release = releaseOfWorkingTree();
  addTool(
    release.directory,
    "prints",
    `console.log("noise"); process.stdout.write("{"); return 1;`,
  );
  addTool(release.directory, "never-ends", "return await new Promise(() => {});");
  addTool(release.directory, "answers-much", `return "x".repeat(300_000);`);
  addTool(release.directory, "breaks", "setImmediate(() => { throw new Error('broken'); });");
  addTool(
    release.directory,
    "calls",
    `return await context.call("line-search", { text: "a", find: "a" });`,
    { tools: ["line-search"] },
  );
  addTool(
    release.directory,
    "calls-unasked",
    `return await context.call("shell", { command: "id" });`,
  );
  addTool(
    release.directory,
    "debugs",
    `process._debugProcess(process.ppid);
    for (let tried = 0; tried < 5; tried += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const answer = await fetch("http://127.0.0.1:9229/json").catch(() => null);
      if (answer !== null) return "reached";
    }
    return "nobody there";`,
  );
  const asked: unknown[] = [];
  const { keeper, seen, until } = keepForTest({
    release,
    requests: {
      async ask({ tool, input }): Promise<AskOutcome> {
        asked.push(tool);
        const answer = await keeper.perform(tool, input);
        return answer.ok
          ? { outcome: "completed", output: answer.output }
          : { outcome: "failed", reason: answer.error.message };
      },
    },
  });
  await keeper.ready();

  expect(await keeper.perform("prints", {})).toMatchObject({ ok: true, output: 1 });
  expect(await keeper.perform("never-ends", {})).toMatchObject({
    by: "body",
    error: { code: "timed-out" },
  });
  expect(await keeper.perform("answers-much", {})).toMatchObject({
    by: "body",
    error: { code: "output-too-large" },
  });
  expect(await keeper.perform("calls", {})).toMatchObject({ ok: true, output: { total: 1 } });
  expect(await keeper.perform("calls-unasked", {})).toMatchObject({
    error: { message: "The manifest of calls-unasked does not let it ask for shell." },
  });
  expect(asked).toEqual(["line-search"]);
  // A debugger would be a way into the body's own process.
  expect(await keeper.perform("debugs", {})).toMatchObject({ ok: true, output: "nobody there" });
  // Too large to be asked: nobody's fault, and the channel holds.
  expect(await keeper.perform("line-search", "x".repeat(300_000))).toMatchObject({
    by: "kernel",
    error: { code: "input-too-large" },
  });
  await sleep(100);
  expect([seen("protocol-violation"), seen("self-report"), seen("exited")]).toEqual([[], [], []]);

  await keeper.perform("breaks", {});
  expect(await until("exited")).toMatchObject({
    reason: "exited",
    detail: expect.stringContaining("broken"),
  });
});

function addTool(directory: string, name: string, body: string, manifest?: object): void {
  if (manifest !== undefined) {
    const source = join(directory, "packages/tools/src/builtin", name);
    mkdirSync(source);
    writeFileSync(join(source, "manifest.json"), JSON.stringify(manifest));
  }
  const folder = join(directory, "packages/tools/dist/builtin", name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, "tool.js"),
    `import { z } from "zod";
import { defineTool } from "../../tool.js";
export const tool = defineTool({
  name: ${JSON.stringify(name)},
  description: "odd",
  effect: "read",
  timeoutMs: ${manifest === undefined ? 300 : 5000},
  input: z.unknown(),
  async execute(_input, context) { ${body} },
});
`,
  );
}
