import type { BodyTools } from "@jarvis/tools/body";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Orders } from "./orders.ts";
import type { Json } from "./protocol.ts";

type CarryOut = BodyTools["carryOut"];

const order = { type: "perform", id: 1, tool: "one", input: {} } as const;
type Ask = (tool: string, input: Json) => Promise<Json>;
const nobody: Ask = async () => await Promise.reject(new Error("not asked"));

describe("an order", () => {
  it("is answered with what JSON makes of the output", async () => {
    const orders = ordersFor(async () => ({ at: new Date(0), gone: undefined, list: [undefined] }));
    expect(await orders.carryOut(order)).toEqual({
      ok: true,
      output: { at: "1970-01-01T00:00:00.000Z", list: [null] },
    });
    expect(await ordersFor(async () => undefined).carryOut(order)).toEqual({
      ok: true,
      output: null,
    });
    const counted = await ordersFor(async () => 1n).carryOut(order);
    expect(counted).toMatchObject({ ok: false, error: { code: "tool-failed" } });
  });

  it("that fails is counted, and its sentence is told", async () => {
    const orders = ordersFor(async () => {
      throw new Error("nothing at a");
    });
    expect(await orders.carryOut(order)).toEqual({
      ok: false,
      error: { code: "tool-failed", message: "nothing at a" },
    });
    expect([orders.calls, orders.errors]).toEqual([1, 1]);
  });

  it("is stopped in time, even where the tool goes on", async () => {
    const orders = ordersFor(async () => await sleep(60_000, null, { ref: false }), 50);
    expect(await orders.carryOut(order)).toMatchObject({ error: { code: "timed-out" } });
  });

  it("is stopped when it is withdrawn, and the tool is told", async () => {
    let told: unknown;
    const orders = ordersFor(async (_order, { signal }) => {
      signal.addEventListener("abort", () => (told = signal.reason));
      return await sleep(60_000, null, { ref: false });
    });
    const carried = orders.carryOut(order);
    orders.cancel(2);
    orders.cancel(1);
    expect(await carried).toMatchObject({ ok: false });
    expect(told).toMatchObject({ message: "the kernel withdrew the order" });
  });

  it("may need another tool, which the kernel is asked for", async () => {
    const asked: unknown[] = [];
    const orders = ordersFor(
      async (_order, context) => await context.call("two", { a: 1 }),
      1000,
      async (tool, input) => {
        asked.push([tool, input]);
        return "from two";
      },
    );
    expect(await orders.carryOut(order)).toEqual({ ok: true, output: "from two" });
    expect(asked).toEqual([["two", { a: 1 }]]);
  });
});

function ordersFor(carryOut: CarryOut, timeoutMs = 1000, ask: Ask = nobody): Orders {
  const one = {
    name: "one",
    description: "",
    effect: "read",
    risk: "low",
    timeoutMs,
    inputSchema: {},
  };
  return new Orders({ announced: [one], carryOut }, ask);
}
