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
  expect(asked).toEqual(["line-search"]);
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

function addTool(directory: string, name: string, body: string): void {
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
  timeoutMs: 300,
  input: z.unknown(),
  async execute(_input, context) { ${body} },
});
`,
  );
}
