import {
  ActionAuditor,
  ActionExecutor,
  ActionRegistry,
  ObserveOnlyError,
  readProposal,
  SafetyController,
  SessionRiskTracker,
  type ActionPolicy,
} from "@jarvis/operator-core";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { loadBuiltinTools } from "../registry.ts";
import { defineTool, type BuiltinTool } from "../tool.ts";
import { callTool, type ToolCall } from "./call-tool.ts";
import { registerTools, sealTool } from "./tool-action.ts";
import { actionNameOf } from "./tool-names.ts";

let database: TestDatabase;
let registry: ActionRegistry;
let safety: SafetyController;
let executor: ActionExecutor;
let ran: unknown[];

const everyTool = actionNameOf("*");
const toolPolicy: ActionPolicy = {
  rules: [
    {
      action: everyTool,
      effects: ["write-workspace"],
      decision: "allow",
      reason: "the workspace is the agent's to write",
    },
    {
      action: everyTool,
      effects: ["network", "process", "promotion", "irreversible"],
      decision: "ask",
      reason: "it reaches beyond the workspace",
    },
  ],
  protectedPaths: [],
};
const note = { reason: "a test", actor: "ada" };
const call = (tool: string, input: unknown): ToolCall => ({
  tool,
  input,
  reason: "a test",
  requester: { kind: "agent", name: "jarvis" },
  agentId: null,
  sessionId: "session-1",
});

beforeAll(async () => {
  database = await createTestDatabase();
  registry = new ActionRegistry();
  registerTools(registry, (await loadBuiltinTools()).values());
  registerTools(registry, [...own().values()].map(sealed));
  safety = new SafetyController(database.db);
  executor = new ActionExecutor({
    db: database.db,
    registry,
    policy: toolPolicy,
    safety,
    sessions: new SessionRiskTracker(),
  });
});

beforeEach(async () => {
  ran = [];
  await safety.setMode("execute", note);
});

afterAll(async () => {
  executor.close();
  await database.close();
});

describe("a tool", () => {
  it("answers through the executor, and its call is on record", async () => {
    const input = { text: "one two", find: "one" };
    expect(await callTool(executor, call("line-search", input))).toEqual({
      matches: [{ line: 1, text: "one two" }],
      total: 1,
    });
    const [proposed] = (
      await new ActionAuditor(database.db).getEvents({ eventType: "proposed", limit: 1_000 })
    ).slice(-1);
    expect(proposed?.eventData).toMatchObject({
      actionName: "tool:line-search",
      effect: "read",
      parameters: { input },
    });
  });

  it("is parsed once: a schema that transforms is no trouble", async () => {
    expect(await callTool(executor, call("transforms", { count: "3" }))).toEqual({ count: 3 });
  });

  it("refuses an input with the sentence of the tool, and is not run", async () => {
    await expect(callTool(executor, call("transforms", { count: 3 }))).rejects.toThrow(
      "transforms cannot read its input: count: ",
    );
    expect(ran).toEqual([]);
  });

  it("gives its own error as it is", async () => {
    const missing = { document: {}, pointer: "/nothing" };
    await expect(callTool(executor, call("json-pointer", missing))).rejects.toThrow("nothing at");
  });

  it("that nobody registered is not called", async () => {
    await expect(callTool(executor, call("no-such", {}))).rejects.toThrow(
      'no action "tool:no-such" is registered',
    );
  });

  it("that reaches beyond the workspace is not called without a person", async () => {
    await expect(callTool(executor, call("network", {}))).rejects.toThrow("was not called");
    expect(ran).toEqual([]);
  });
});

describe("in observe", () => {
  beforeEach(() => safety.setMode("observe", note));

  it("a tool that reads is called, and one that writes is not", async () => {
    await callTool(executor, call("text-statistics", { text: "" }));
    await expect(callTool(executor, call("writes", {}))).rejects.toThrow(ObserveOnlyError);
    expect(ran).toEqual([]);
  });

  it("a tool that calls a tool is checked too", async () => {
    expect(await callTool(executor, call("calls", { tool: "text-statistics" }))).toMatchObject({
      bytes: 0,
    });
    await expect(callTool(executor, call("calls", { tool: "writes" }))).rejects.toThrow(
      "observe-only mode is active",
    );
    expect(ran).toEqual([]);
    await safety.setMode("execute", note);
    expect(await callTool(executor, call("calls", { tool: "writes" }))).toBe("written");
    const { proposalId } = ran[0] as { proposalId: number };
    expect((await readProposal(database.db, proposalId)).reason).toMatch(
      /^asked for by tool:calls \(action \d+\)$/,
    );
  });
});

describe("the executor cannot be gone around", () => {
  it("by running the action itself, with a permit that is none", async () => {
    const action = registry.get("tool:writes");
    const forged = { permit: { proposalId: 1 }, proposalId: 1, signal: AbortSignal.timeout(1000) };
    await expect(action?.run({ input: {} }, forged as never)).rejects.toThrow("Only the executor");
    expect(ran).toEqual([]);
  });

  it("by registering what looks like a tool", () => {
    const copy = { ...(own().get("writes") as BuiltinTool) };
    expect(() => registerTools(new ActionRegistry(), [copy])).toThrow("is no loaded tool");
  });
});

function sealed(tool: BuiltinTool) {
  return sealTool(tool, async (input, context) => await tool.execute(input, context));
}

function own(): Map<string, BuiltinTool> {
  const tools = [
    defineTool({
      name: "transforms",
      description: "reads a number from a text",
      effect: "read",
      input: z.object({ count: z.string().transform(Number) }),
      execute: async ({ count }) => {
        ran.push(count);
        return { count };
      },
    }),
    defineTool({
      name: "writes",
      description: "writes",
      effect: "write-workspace",
      input: z.object({}),
      execute: async () => {
        const [newest] = (
          await new ActionAuditor(database.db).getEvents({ eventType: "executing", limit: 1_000 })
        ).slice(-1);
        ran.push({ proposalId: newest?.proposalId });
        return "written";
      },
    }),
    defineTool({
      name: "network",
      description: "reaches the network",
      effect: "network",
      input: z.object({}),
      execute: async () => void ran.push("network"),
    }),
    defineTool({
      name: "calls",
      description: "calls a tool",
      effect: "read",
      input: z.object({ tool: z.string() }),
      execute: async ({ tool }, context) =>
        await context.call(tool, tool === "writes" ? {} : { text: "" }),
    }),
  ];
  return new Map(tools.map((tool) => [tool.name, tool]));
}
