import { describe, expect, it } from "vitest";
import { FromBody, LINE_BYTES, lineOf, parseLine, ToBody } from "./protocol.ts";

const tool = { name: "echo", description: "", effect: "read", inputSchema: {} };

describe("what a body says", () => {
  it.each([
    { type: "ready", protocol: 1, tools: [tool] },
    { type: "heartbeat", sequence: 1, cycles: 0, toolCalls: 0, toolErrors: 0 },
    { type: "result", id: 1, ok: true, output: null },
    { type: "result", id: 1, ok: false, error: { code: "tool-failed", message: "no" } },
    { type: "ask", id: 1, tool: "echo", input: { deep: [[[1]]] } },
    { type: "report", goalId: "g", text: "", done: false },
    { type: "propose", id: 2, patch: "diff", title: "t", goalId: "g" },
  ])("is understood: %j", (message) => {
    expect(parseLine(FromBody, JSON.stringify(message))).toEqual(message);
  });

  it.each([
    ["no JSON", "hello"],
    ["nothing", ""],
    ["no message", "[]"],
    ["an unknown type", '{"type":"grant","id":1}'],
    ["a kernel's message", '{"type":"perform","id":1,"tool":"echo","input":1}'],
    ["a member too many", '{"type":"result","id":1,"ok":true,"output":1,"approved":true}'],
    [
      "both answer and error",
      '{"type":"result","id":1,"ok":true,"output":1,"error":{"code":"a","message":""}}',
    ],
    ["no answer", '{"type":"result","id":1,"ok":true}'],
    ["a number that is none", '{"type":"result","id":1.5,"ok":true,"output":1}'],
    [
      "a negative count",
      '{"type":"heartbeat","sequence":1,"cycles":-1,"toolCalls":0,"toolErrors":0}',
    ],
    ["a tool with another name", `{"type":"ask","id":1,"tool":"../echo","input":1}`],
    [
      "a code that is a sentence",
      '{"type":"result","id":1,"ok":false,"error":{"code":"No!","message":""}}',
    ],
    [
      "an effect of its own",
      JSON.stringify({ type: "ready", protocol: 1, tools: [{ ...tool, effect: "none" }] }),
    ],
    [
      "depth without end",
      `{"type":"ask","id":1,"tool":"echo","input":${"[".repeat(90_000)}${"]".repeat(90_000)}}`,
    ],
  ])("is not: %s", (_what, line) => {
    expect(parseLine(FromBody, line)).toBeNull();
  });

  it("is looked at quickly, however much it is", () => {
    const input = `[${"1,".repeat(120_000)}1]`;
    const beganAt = performance.now();
    expect(
      parseLine(FromBody, `{"type":"ask","id":1,"tool":"echo","input":${input}}`),
    ).not.toBeNull();
    expect(performance.now() - beganAt).toBeLessThan(1000);
  });
});

describe("what a kernel says", () => {
  it("is understood, and nothing else is", () => {
    const goal = { type: "goal", id: "g", text: "t", steps: [{ tool: "echo", input: 1 }] };
    expect(parseLine(ToBody, JSON.stringify(goal))).toEqual(goal);
    expect(parseLine(ToBody, JSON.stringify({ ...goal, credentials: "x" }))).toBeNull();
    expect(parseLine(ToBody, '{"type":"start","releaseDigest":"d","heartbeatMs":0}')).toBeNull();
  });

  it("fits a line, counted in bytes, or is not sent", () => {
    const message = (text: string) => lineOf({ type: "goal", id: "g", text });
    expect(message("x".repeat(LINE_BYTES - 100))).not.toBeNull();
    expect(message("é".repeat(LINE_BYTES / 2))).toBeNull();
  });
});
