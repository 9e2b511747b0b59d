import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openDatabase } from "@jarvis/db";
import { loadBuiltinTools, type Tool } from "@jarvis/tools";
import { z } from "zod";

const question = z.object({ id: z.number().int(), tool: z.string(), input: z.unknown() });

/**
 * Start-up as a black box: a database of its own with every migration, every built-in tool
 * registered, questions from standard input answered line by line, an ordered stop. The answers are
 * judged by whoever asks; this program says nothing about whether they are right.
 */
export async function smoke(): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "jarvis-smoke-"));
  const database = await openDatabase({ stateDirectory: join(scratch, "state") });
  try {
    const tools = await loadBuiltinTools();
    answer({
      type: "ready",
      tools: [...tools.keys()],
      database: database.server,
      ledgerGuard: database.ledgerGuard,
      sandbox: "not-applicable",
      forge: "not-applicable",
    });
    for await (const line of createInterface({ input: process.stdin })) {
      if (line.trim() !== "") answer(await reply(tools, line));
    }
  } finally {
    await database.close({ stopServer: true });
    await rm(scratch, { recursive: true, force: true });
  }
  answer({ type: "stopped" });
}

async function reply(tools: ReadonlyMap<string, Tool>, line: string): Promise<unknown> {
  const { id, tool: name, input } = question.parse(JSON.parse(line));
  const tool = tools.get(name);
  if (tool === undefined) return { type: "result", id, error: `there is no tool ${name}` };
  try {
    const output = await tool.execute(input, { signal: AbortSignal.timeout(10_000) });
    return { type: "result", id, output };
  } catch (error) {
    return { type: "result", id, error: error instanceof Error ? error.message : String(error) };
  }
}

function answer(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
