import { listShownEvents, listRuns, readRun, type RunState } from "@jarvis/tools/ledger";
import type { z } from "zod";
import type { CliConfig } from "../config.ts";
import { withLocalState } from "../local-state.ts";
import { CommandError, exitCodes } from "../outcome.ts";
import * as wire from "../wire.ts";

// What the kernel answers about runs and events, from the ledger itself.

export async function listLocalRuns(
  config: CliConfig,
  options: { limit: number },
): Promise<wire.WireRun[]> {
  return await withLocalState(config, async ({ db }) => (await listRuns(db, options)).map(asRun));
}

export async function readLocalRun(
  config: CliConfig,
  runId: string,
): Promise<z.infer<typeof wire.runDetail>> {
  return await withLocalState(config, async ({ db }) => {
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
  });
}

export async function listLocalEvents(
  config: CliConfig,
  filter: { runId: string | undefined; type: string | undefined; limit: number },
): Promise<z.infer<typeof wire.eventList>> {
  return await withLocalState(config, async ({ db }) =>
    wire.eventList.parse({ events: await listShownEvents(db, filter) }),
  );
}

function asRun(state: RunState): wire.WireRun {
  return wire.run.parse({ ...state, progress: null });
}
