import { listEvents, listRuns, readRun, type RunState } from "@jarvis/tools/ledger";
import type { CliConfig } from "../config.ts";
import { kernelOr, needKernel } from "../kernel-client.ts";
import { withLocalState } from "../local-state.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import { describeEvents, describeResult, describeRuns } from "../text.ts";
import * as wire from "../wire.ts";

// What only reads asks the kernel, and the ledger itself where no kernel answers.

export async function runs(config: CliConfig, options: { limit: number }): Promise<Answer> {
  const list = await kernelOr(
    config,
    async (kernel) => (await kernel.get(`/api/runs?limit=${options.limit}`, wire.runList)).runs,
    async () =>
      await withLocalState(config, async ({ db }) => (await listRuns(db, options)).map(asRun)),
  );
  return { json: list, text: describeRuns(list) };
}

export async function show(config: CliConfig, runId: string): Promise<Answer> {
  const detail = await kernelOr(
    config,
    async (kernel) => await kernel.get(`/api/runs/${encodeURIComponent(runId)}`, wire.runDetail),
    async () =>
      await withLocalState(config, async ({ db }) => {
        const run = await readRun(db, runId);
        if (run !== null) {
          return wire.runDetail.parse({
            run: asRun(run.state),
            result: run.result,
            events: run.events,
          });
        }
        throw new CommandError(
          exitCodes.refused,
          "run-unknown",
          `There is no run ${runId}; \`jarvis runs\` lists them.`,
        );
      }),
  );
  return {
    json: detail,
    text: `${describeResult(detail.result)}\n\nEvents\n${describeEvents(detail.events)}`,
  };
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
    async () =>
      await withLocalState(config, async ({ db }) => {
        const { run: runId, type, limit } = options;
        return wire.eventList.parse({ events: await listEvents(db, { runId, type, limit }) });
      }),
  );
  return { json: list.events, text: describeEvents(list.events) };
}

/** Prints events as they come, one JSON document or one line each, until the reader goes away. */
export async function followEvents(
  config: CliConfig,
  options: EventOptions & { json: boolean },
): Promise<never> {
  // `head` and a closed pager are an end, not an error.
  process.stdout.on("error", () => process.exit(exitCodes.done));
  const kernel = await needKernel(config);
  let page = await kernel.get(`/api/events?${eventQuery(options)}`, wire.eventList);
  let after = "0";
  for (;;) {
    for (const event of page.events) {
      after = event.id;
      process.stdout.write(`${options.json ? JSON.stringify(event) : describeEvents([event])}\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    page = await kernel.get(
      `/api/events?${eventQuery({ ...options, limit: 500 })}&after=${after}`,
      wire.eventList,
    );
  }
}

function eventQuery(options: EventOptions): string {
  const query = new URLSearchParams({ limit: String(options.limit) });
  if (options.run !== undefined) query.set("run", options.run);
  if (options.type !== undefined) query.set("type", options.type);
  return query.toString();
}

function asRun(state: RunState): wire.WireRun {
  return wire.run.parse({ ...state, progress: null });
}
