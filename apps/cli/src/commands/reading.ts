import type { CliConfig } from "../config.ts";
import type { WireCost } from "../goal-wire.ts";
import { kernelOr, needKernel } from "../kernel-client.ts";
import { exitCodes, type Answer } from "../outcome.ts";
import { describeSpent } from "../spent-text.ts";
import { describeEvents, describeResult, describeRuns } from "../text.ts";
import * as wire from "../wire.ts";

// What only reads asks the kernel, and the ledger itself where no kernel answers.

export async function runs(config: CliConfig, options: { limit: number }): Promise<Answer> {
  const list = await kernelOr(
    config,
    async (kernel) => (await kernel.get(`/api/runs?limit=${options.limit}`, wire.runList)).runs,
    async () => await (await withoutKernel()).listLocalRuns(config, options),
  );
  return { json: list, text: describeRuns(list) };
}

export async function show(config: CliConfig, runId: string): Promise<Answer> {
  const detail = await kernelOr(
    config,
    async (kernel) => await kernel.get(`/api/runs/${encodeURIComponent(runId)}`, wire.runDetail),
    async () => await (await withoutKernel()).readLocalRun(config, runId),
  );
  return {
    json: detail,
    text: `${describeResult(detail.result)}${costLine(detail.cost ?? null)}\n\nEvents\n${describeEvents(detail.events)}`,
  };
}

function costLine(cost: WireCost): string {
  if (cost === null) return "";
  const { goalId, attempt, spent } = cost;
  return `\nwritten by attempt ${attempt} at goal ${goalId}: ${describeSpent(spent)}`;
}

export interface EventOptions {
  readonly run?: string;
  readonly type?: string;
  readonly limit: number;
}

export async function events(config: CliConfig, options: EventOptions): Promise<Answer> {
  const list = await kernelOr(
    config,
    async (kernel) => await kernel.get(`/api/events?${eventQuery(options)}`, wire.eventList),
    async () => {
      const { run: runId, type, limit } = options;
      return await (await withoutKernel()).listLocalEvents(config, { runId, type, limit });
    },
  );
  // Nothing of a run that is there is an answer; nothing of one that never was is a mistake.
  if (list.events.length === 0 && options.run !== undefined) await show(config, options.run);
  return { json: list.events, text: describeEvents(list.events) };
}

const REMEMBERED = 5000;

/** Prints events as they come, one JSON document or one line each, until the reader goes away. */
export async function followEvents(
  config: CliConfig,
  options: EventOptions & { json: boolean },
): Promise<never> {
  // Nobody reads what would follow.
  process.stdout.on("error", () => process.exit(exitCodes.done));
  const kernel = await needKernel(config);
  const print = (event: wire.WireEvent): void => {
    process.stdout.write(`${options.json ? JSON.stringify(event) : describeEvents([event])}\n`);
  };
  // Where to begin is asked first: what comes between the two is told twice and printed once.
  const [newest] = (await kernel.get("/api/events?limit=1", wire.eventList)).events;
  const page = await kernel.get(`/api/events?${eventQuery(options)}`, wire.eventList);
  const printed = new Set(page.events.map(({ id }) => id));
  page.events.forEach(print);
  if (page.events.length === 0 && options.run !== undefined) await show(config, options.run);
  let after = newest?.id ?? "0";
  for (;;) {
    for await (const { id, name, data } of kernel.listen(`/api/stream?after=${after}`)) {
      after = id ?? after;
      if (name !== "ledger") continue;
      const event = wire.event.parse(data);
      const isOther =
        (options.run !== undefined && options.run !== event.runId) ||
        (options.type !== undefined && options.type !== event.type);
      if (isOther || printed.has(event.id)) continue;
      printed.add(event.id);
      // Told again is only what is new.
      if (printed.size > REMEMBERED)
        for (const old of [...printed].slice(0, -REMEMBERED / 2)) printed.delete(old);
      print(event);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function eventQuery(options: EventOptions): string {
  const query = new URLSearchParams({ limit: String(options.limit) });
  if (options.run !== undefined) query.set("run", options.run);
  if (options.type !== undefined) query.set("type", options.type);
  return query.toString();
}

/** With the database, which is loaded where it is asked itself and nowhere else. */
async function withoutKernel() {
  return await import("../without-kernel/reading.ts");
}
