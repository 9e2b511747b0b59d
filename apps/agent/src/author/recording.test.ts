import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fetchBranch, openMirror, ScratchTree, treeOf } from "@jarvis/tools/self-extension";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { replayedModel } from "../kernel/model/recording.ts";
import { plainProject } from "../testing/repository.ts";
import { attemptReport } from "./diagnostics.ts";
import { workOnGoal } from "./work-on-goal.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const recordings = join(root, "examples/recordings");
const turns = z
  .object({ goal: z.string(), refused: attemptReport })
  .parse(JSON.parse(readFileSync(join(recordings, "goal.turns.json"), "utf8")));
const read = ["tool.ts", "tool.test.ts"].map(
  (file) => `packages/tools/src/builtin/text-statistics/${file}`,
);

it("the demonstration's recording fits the author as it is, on another base and with another output", async () => {
  const repository = plainProject();
  onTestFinished(() => repository.remove());
  repository.write(
    Object.fromEntries(read.map((path) => [path, readFileSync(join(root, path), "utf8")])),
  );
  repository.commit("What the author looks at");
  const directory = mkdtempSync(join(tmpdir(), "jarvis-recorded-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const mirror = await openMirror(join(directory, "mirror.git"));
  const remote = { url: join(repository.directory, ".git"), authorization: null };
  const base = await treeOf(mirror, await fetchBranch(mirror, remote, "main"));
  const model = replayedModel(join(recordings, "goal.ndjson"));
  const attempt = async (before: string | null, goal = turns.goal) => {
    const scratch = await ScratchTree.open(mirror, base);
    if (before !== null) await scratch.takeOver(before, base);
    const report = { ...turns.refused, reason: "in other words", tail: "another output" };
    return await workOnGoal(
      {
        goal,
        instructions: [{ text: "The repository's AGENTS.md: be brief.", isVolatile: true }],
        stages: ["another"],
        before: before === null ? [] : [{ number: 1, report }],
        isContinued: before !== null,
        refusedTrees: new Set(),
      },
      {
        scratch,
        skills: [],
        model,
        maxOutputTokens: 100,
        tryStage: async () => await Promise.reject(new Error("no stage is tried")),
      },
      new AbortController().signal,
    );
  };
  const first = await attempt(null);
  if (first.end !== "proposed") throw new Error(JSON.stringify(first));
  expect(first.patch).not.toContain(`+  [4, "IV"],`);
  const second = await attempt(first.treeSha);
  if (second.end !== "proposed") throw new Error(JSON.stringify(second));
  expect(second.patch).toContain(`+  [4, "IV"],`);
  await expect(attempt(null, "another goal")).rejects.toMatchObject({ code: "left-recording" });
});
