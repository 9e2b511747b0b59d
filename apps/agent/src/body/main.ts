import { loadBodyTools, type BodyTools } from "@jarvis/tools/body";
import { Asks } from "./asks.ts";
import { openChannel, type Channel } from "./channel.ts";
import { GoalLoop } from "./goal-loop.ts";
import { Orders } from "./orders.ts";
import { AnnouncedTool, LINE_BYTES, PROTOCOL, type FromBody, type ToBody } from "./protocol.ts";

/**
 * The body: it works on goals with its tools and asks its kernel before it does anything. Started by
 * the kernel in a sandbox, with this channel and nothing else: no database, no network, no
 * credentials and no state. It ends when it is told to, or when the kernel is gone.
 */
const channel = openChannel();
// Where nobody listens, the signal opens a debugger, for whoever may send it.
process.on("SIGUSR1", () => undefined);
const loaded = await loadBodyTools();
// Without them it is of no use, and a body that went on would seem well.
void loaded.ended.then(() => process.exit(1));
await live(channel, loaded);
loaded.end();
process.exit(0);

async function live(kernel: Channel, tools: BodyTools): Promise<void> {
  const asks = new Asks((message) => kernel.send(message));
  const orders = new Orders(tools, async (tool, input) => await asks.ask(tool, input));
  const goals = new GoalLoop({
    ask: async (tool, input, goalId) => await asks.ask(tool, input, goalId),
    report: (goalId, text, done) => void kernel.send({ type: "report", goalId, text, done }),
  });
  let sequence = 0;
  let isAsking = false;
  const beat = async (): Promise<void> => {
    // A tool in an endless loop is the body's silence, as it would be in its own process.
    if (isAsking) return;
    isAsking = true;
    await tools.alive();
    isAsking = false;
    const { calls: toolCalls, errors: toolErrors } = orders;
    sequence += 1;
    kernel.send({ type: "heartbeat", sequence, cycles: goals.cycles, toolCalls, toolErrors });
  };
  for await (const message of kernel.messages()) {
    switch (message.type) {
      case "start":
        kernel.send(ready(tools));
        setInterval(() => void beat(), message.heartbeatMs);
        break;
      case "perform":
        void obey(kernel, orders, message);
        break;
      case "perform-cancelled":
        orders.cancel(message.id);
        break;
      case "answer":
        asks.answered(message);
        break;
      case "goal":
        goals.add(message);
        break;
      case "goal-cancelled":
        goals.cancel(message.id);
        break;
      case "stop":
        return;
    }
  }
}

function ready({ announced }: BodyTools): FromBody {
  // Input schemas are a courtesy: where they are too long for a line, the names are what counts.
  const message = (withSchemas: boolean): FromBody => ({
    type: "ready",
    protocol: PROTOCOL,
    tools: announced.map((tool) =>
      AnnouncedTool.parse(withSchemas ? tool : { ...tool, inputSchema: {} }),
    ),
  });
  const whole = message(true);
  return JSON.stringify(whole).length * 2 < LINE_BYTES ? whole : message(false);
}

async function obey(
  kernel: Channel,
  orders: Orders,
  order: Extract<ToBody, { type: "perform" }>,
): Promise<void> {
  const outcome = await orders.carryOut(order);
  if (kernel.send({ type: "result", id: order.id, ...outcome })) return;
  const error = { code: "output-too-large", message: `The answer of ${order.tool} is too large.` };
  kernel.send({ type: "result", id: order.id, ok: false, error });
}
