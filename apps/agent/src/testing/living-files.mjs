/**
 * A body in a few lines: it speaks the protocol of the channel, has goals authored, and has a tool that
 * doubles and one that asks the kernel for what it is told to.
 */
const body = `import { createInterface } from "node:readline";
import { double } from "./lib/double.js";

const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
let sequence = 0;
let asked = 0;
const relayed = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.type === "start") {
    const tool = { name: "double", description: "doubles", effect: "read", inputSchema: {} };
    const relay = { name: "relay", description: "asks", effect: "read", inputSchema: {} };
    say({ type: "ready", protocol: 1, tools: [tool, relay] });
    setInterval(() => {
      sequence += 1;
      say({ type: "heartbeat", sequence, cycles: 0, toolCalls: 0, toolErrors: 0 });
    }, message.heartbeatMs);
  }
  if (message.type === "perform" && message.tool === "relay") {
    asked += 1;
    relayed.set(asked, message.id);
    say({ type: "ask", id: asked, ...message.input });
  } else if (message.type === "perform") {
    try {
      say({ type: "result", id: message.id, ok: true, output: double(message.input.n) });
    } catch (error) {
      say({ type: "result", id: message.id, ok: false, error: { code: "tool-failed", message: error.message } });
    }
  }
  if (message.type === "answer" && relayed.has(message.id)) {
    say({ ...message, type: "result", id: relayed.get(message.id) });
  }
  if (message.type === "goal") {
    asked += 1;
    say({ type: "ask", id: asked, tool: "author", input: {}, goalId: message.id });
  }
  if (message.type === "stop") process.exit(0);
}
`;

/**
 * What makes a repository one whose releases run, with a window that is decided within seconds. Plain
 * JavaScript, because the benches read it too.
 */
export const livingProject = {
  "body.js": body,
  "lib/double.js": "export const double = (n) => n * 2;\n",
  "test/double.test.js": [
    `import assert from "node:assert/strict";`,
    `import test from "node:test";`,
    `import { double } from "../lib/double.js";`,
    `test("doubles", () => assert.equal(double(2), 4));`,
    "",
  ].join("\n"),
  "packages/tools/src/builtin/double/examples.json": JSON.stringify({
    tool: "double",
    examples: [1, 2, 3, 4, 5].map((n) => ({ input: { n }, output: n * 2 })),
  }),
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
    ],
    body: { argv: ["node", "body.js"] },
    healthWindow: {
      minimumExposures: 20,
      minimumSeconds: 1,
      maximumSeconds: 30,
      tolerance: 0.3,
      alpha: 0.05,
      heartbeatSeconds: 3,
      startSeconds: 8,
      // A machine that is busy with other tests answers late, which is nobody's fault here.
      latencyFactor: 100,
    },
  }),
};
