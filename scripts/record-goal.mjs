// Records examples/recordings/goal.ndjson anew, after a build: the author works on the goal of
// goal.turns.json in a scratch copy of HEAD, and a local server answers, in a model's protocol, with
// the turns that are written there. Why the first attempt is refused is written there too; whether
// verification says the same is seen by the demonstration.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { attemptReport } from "../apps/agent/dist/author/diagnostics.js";
import { workOnGoal } from "../apps/agent/dist/author/work-on-goal.js";
import { readModelConfig } from "../apps/agent/dist/kernel/model/model-config.js";
import { recordingModel } from "../apps/agent/dist/kernel/model/recording.js";
import { sdkModel } from "../apps/agent/dist/kernel/model/sdk-model.js";
import {
  fetchBranch,
  openMirror,
  ScratchTree,
  treeOf,
} from "../packages/tools/dist/self-extension/index.js";

const root = fileURLToPath(new URL("../", import.meta.url));
const recording = join(root, "examples/recordings/goal.ndjson");
const script = JSON.parse(readFileSync(join(root, "examples/recordings/goal.turns.json"), "utf8"));
const refused = attemptReport.parse(script.refused);

const chunk = (delta, finish_reason = null) => ({
  id: "recorded",
  object: "chat.completion.chunk",
  created: 1,
  model: "by-hand",
  choices: [{ index: 0, delta, finish_reason }],
});

function streamOf(turn, asked) {
  const calls = turn.calls.map(({ tool, input }, index) => ({
    index,
    id: `call-${asked}-${index}`,
    type: "function",
    function: { name: tool, arguments: JSON.stringify(input) },
  }));
  const written = Math.ceil(JSON.stringify(turn).length / 4);
  const usage = { prompt_tokens: asked, completion_tokens: written, total_tokens: asked + written };
  const chunks = [
    chunk({ role: "assistant", content: turn.text, tool_calls: calls }),
    chunk({}, "tool_calls"),
    { ...chunk({}), choices: [], usage },
  ];
  return `${chunks.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("")}data: [DONE]\n\n`;
}

let turns = [];
const host = createServer((request, response) => void answer(request, response));

async function answer(request, response) {
  let body = "";
  for await (const part of request) body += part;
  const turn = turns.shift();
  if (turn === undefined) {
    response.writeHead(400).end("{}");
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(streamOf(turn, Math.ceil(body.length / 4)));
}
await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
const directory = mkdtempSync(join(tmpdir(), "jarvis-record-"));
try {
  rmSync(recording, { force: true });
  const config = readModelConfig(
    {
      model: "openai-compatible/by-hand",
      baseUrl: `http://127.0.0.1:${host.address().port}/v1`,
    },
    root,
  );
  const model = recordingModel(sdkModel(config), recording);
  const mirror = await openMirror(join(directory, "mirror.git"));
  const remote = { url: join(root, ".git"), authorization: null };
  const base = await treeOf(mirror, await fetchBranch(mirror, remote, process.argv[2] ?? "main"));
  let proposed = null;
  for (const attempt of script.attempts) {
    turns = [...attempt];
    const scratch = await ScratchTree.open(mirror, base);
    if (proposed !== null) await scratch.takeOver(proposed, base);
    const end = await workOnGoal(
      {
        goal: script.goal,
        instructions: [],
        stages: [],
        before: proposed === null ? [] : [{ number: 1, report: refused }],
        isContinued: proposed !== null,
        refusedTrees: new Set(),
      },
      {
        scratch,
        skills: [],
        model,
        maxOutputTokens: 16_384,
        tryStage: async () => await Promise.reject(new Error("the turns try no stage")),
      },
      new AbortController().signal,
    );
    if (end.end !== "proposed") throw new Error(`the attempt ended as ${JSON.stringify(end)}`);
    console.log(end.title);
    proposed = end.treeSha;
  }
} finally {
  host.close();
  rmSync(directory, { recursive: true, force: true });
}
