import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openDatabase } from "@jarvis/db";
import {
  holderState,
  openIntents,
  pausePromotion,
  promotionStore,
  type SettleWorld,
} from "@jarvis/tools/self-extension";
import { readConfig } from "./config.ts";
import { OutsideHost } from "./kernel/outside-host.ts";

/*
 * Pauses promotion without a kernel, or past one that does not answer: the same switch, the same
 * read-back, the same fence, with the credentials that are configured. Prints the answer as one line
 * of JSON. Where only the end of a silent kernel tells how a landing ended, it is ended.
 *
 *   node pause.js --reason TEXT --actor NAME --wait-ms N [--silent-kernel] -- <the kernel's arguments>
 */

const GONE_MS = 5000;

const separator = process.argv.indexOf("--");
const { values } = parseArgs({
  args: process.argv.slice(2, separator),
  options: {
    reason: { type: "string" },
    actor: { type: "string" },
    "wait-ms": { type: "string" },
    "silent-kernel": { type: "boolean" },
  },
});
const config = readConfig(process.argv.slice(separator + 1));
const database = await openDatabase({
  stateDirectory: config.stateDir,
  ...(config.databaseUrl === undefined ? {} : { url: config.databaseUrl }),
  ...(config.databaseAdminUrl === undefined ? {} : { adminUrl: config.databaseAdminUrl }),
});
const { db } = database;
const host = new OutsideHost(config, db);
const world: SettleWorld = {
  store: promotionStore(db),
  github: host.target,
  wait: sleep,
  // Whoever started this holds the state directory, or the silent kernel does: nobody else lands.
  holderState:
    database.server === "embedded" && values["silent-kernel"] !== true ? () => "dead" : holderState,
};
try {
  await host.connect();
  const answer = await pausePromotion(
    world,
    { reason: values.reason ?? "", updatedBy: values.actor ?? "" },
    {
      waitMs: Number(values["wait-ms"] ?? 0),
      ...(values["silent-kernel"] === true ? { onStuck: endHolders } : {}),
    },
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
} finally {
  await host.close();
  await database.close();
}

/** Ends the processes that hold open intents, by number and time of start, so that they land nothing. */
async function endHolders(): Promise<void> {
  for (const { holder, isRevert } of await openIntents(db)) {
    if (isRevert || holderState(holder) !== "alive") continue;
    process.kill(holder.pid, "SIGKILL");
    const deadline = performance.now() + GONE_MS;
    while (holderState(holder) === "alive" && performance.now() < deadline) await sleep(20);
  }
  await host.connect();
}
