import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openDatabase, type JarvisDatabase } from "@jarvis/db";
import {
  ActionExecutor,
  ActionRegistry,
  SafetyController,
  SessionRiskTracker,
  type ActionPolicy,
} from "@jarvis/operator-core";
import { actionNameOf, callTool, loadBuiltinTools, registerTools } from "@jarvis/tools";
import { z } from "zod";

const question = z.object({ id: z.number().int(), tool: z.string(), input: z.unknown() });

/** Everything it is asked for runs: in a database of its own, which is thrown away. */
const policy: ActionPolicy = {
  rules: [{ action: actionNameOf("*"), decision: "allow", reason: "start-up asks every tool" }],
  protectedPaths: [],
};

/**
 * Start-up as a black box: a database of its own with every migration (in `state` where it is kept
 * for the next start, else thrown away), every built-in tool registered, questions from standard input answered line by line through the executor, an ordered
 * stop. The answers are judged by whoever asks; this program says nothing about whether they are right.
 */
export async function smoke(state: string | null): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "jarvis-smoke-"));
  const database = await openDatabase({ stateDirectory: state ?? join(scratch, "state") });
  try {
    const tools = await loadBuiltinTools();
    const registry = new ActionRegistry();
    registerTools(registry, tools.values());
    const executor = await startExecutor(database.db, registry);
    answer({
      type: "ready",
      tools: [...tools.keys()],
      database: database.server,
      ledgerGuard: database.ledgerGuard,
      sandbox: "not-applicable",
      forge: "not-applicable",
    });
    for await (const line of createInterface({ input: process.stdin })) {
      if (line.trim() === "") continue;
      const asked = question.parse(JSON.parse(line));
      answer(
        tools.has(asked.tool)
          ? await reply(executor, asked)
          : { type: "result", id: asked.id, error: `there is no tool ${asked.tool}` },
      );
    }
    executor.close();
  } finally {
    await database.close({ stopServer: true });
    await rm(scratch, { recursive: true, force: true });
  }
  answer({ type: "stopped" });
}

async function startExecutor(
  db: JarvisDatabase,
  registry: ActionRegistry,
): Promise<ActionExecutor> {
  const safety = new SafetyController(db);
  await safety.setMode("execute", { reason: "start-up asks every tool", actor: "smoke" });
  // Every question is a session of its own, so that asking many is no burst.
  const sessions = new SessionRiskTracker({ askFrom: "critical" });
  return new ActionExecutor({ db, registry, policy, safety, sessions });
}

async function reply(
  executor: ActionExecutor,
  { id, tool, input }: z.infer<typeof question>,
): Promise<unknown> {
  try {
    const output = await callTool(executor, {
      tool,
      input,
      reason: "start-up",
      requester: { kind: "system", name: "smoke" },
      agentId: null,
      sessionId: `smoke-${id}`,
    });
    return { type: "result", id, output };
  } catch (error) {
    return { type: "result", id, error: error instanceof Error ? error.message : String(error) };
  }
}

function answer(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
