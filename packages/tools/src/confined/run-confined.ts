import { BodyToolError, loadTools } from "../loaded-tools.ts";
import type { ConfinedTask, FromConfined, ToConfined } from "./messages.ts";

/*
 * The program of a confined process. What keeps the tools in it is how it was started (see
 * `confined-process.ts`), and that its parent believes nothing that it says.
 */
const { directory, folders } = JSON.parse(process.argv[2] ?? "{}") as ConfinedTask;
const say = process.send?.bind(process) as (message: FromConfined) => void;
const running = new Map<number, AbortController>();
const asked = new Map<number, { resolve: (output: unknown) => void; reject: (e: Error) => void }>();
let asks = 0;

process.on("disconnect", () => process.exit());
const tools = await loadTools(directory, folders);
process.on("message", (message: ToConfined) => {
  switch (message.type) {
    case "order":
      void obey(message);
      break;
    case "withdrawn":
      running.get(message.id)?.abort(new Error("the order was withdrawn"));
      break;
    case "answer": {
      const waiting = asked.get(message.id);
      asked.delete(message.id);
      if (message.ok) waiting?.resolve(message.output);
      else waiting?.reject(new Error(String(message.output)));
      break;
    }
    case "ping":
      say({ type: "pong", id: message.id });
      break;
  }
});
say({ type: "loaded", announced: tools.announced.map((tool) => ({ ...tool })) });

async function obey({ id, tool, input }: Extract<ToConfined, { type: "order" }>): Promise<void> {
  const stop = new AbortController();
  running.set(id, stop);
  const call = async (name: string, given: unknown): Promise<unknown> =>
    await new Promise((resolve, reject) => {
      asks += 1;
      asked.set(asks, { resolve, reject });
      say({ type: "ask", id: asks, order: id, tool: name, input: given });
    });
  try {
    const output = await tools.carryOut(tool, input, { signal: stop.signal, call });
    say({ type: "done", id, output: output ?? null });
  } catch (error) {
    const code = error instanceof BodyToolError ? error.code : "tool-failed";
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 2_000);
    say({ type: "failed", id, code, message });
  } finally {
    running.delete(id);
  }
}
