// How long the kill switch takes, from the call to "nothing runs any more".
//
//   pnpm bench:kill [rounds]        default 50; about half a minute
//
// Every round starts a candidate in a sandbox of this process, as the kernel does, and an action in an
// executor of another process, which knows of the kill only by the database. Candidate and action both
// ignore SIGTERM and have a child that does too. Then the switch is pressed in this process. A round in
// which anything outlives the switch, or in which the count is not two, is an error and not a figure.
import { fork } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { destroyEmbedded, openDatabase } from "../packages/db/dist/index.js";
import {
  ActionExecutor,
  ActionRegistry,
  SafetyController,
  SessionRiskTracker,
} from "../packages/operator-core/dist/index.js";
import { checkSandbox, killAllSandboxes, runInSandbox } from "../packages/sandbox/dist/index.js";

// The package's own copy: nothing at the root depends on it.
const { z } = createRequire(new URL("../packages/operator-core/package.json", import.meta.url))(
  "zod",
);
const self = fileURLToPath(import.meta.url);
const byHand = { reason: "bench", actor: "bench" };

/** Ignores SIGTERM, and so does its child; both carry the mark in their command line. */
function stubborn(mark) {
  const deaf = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); // ${mark}`;
  const start = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(deaf)}]);`;
  return `${start}\n${deaf}`;
}

/** Processes that run and carry a mark in their command line. */
function marked(mark) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark)) return false;
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return !["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2)[0]);
      } catch {
        return false;
      }
    });
}

/** The other process: an executor that runs one action after another, each until it is killed. */
async function serveActions(stateDirectory) {
  const database = await openDatabase({ stateDirectory });
  const registry = new ActionRegistry();
  registry.register({
    name: "stubborn",
    description: "ignores SIGTERM",
    parameters: z.object({ mark: z.string() }),
    effect: "process",
    risk: "low",
    needsApproval: false,
    idempotent: false,
    timeoutMs: 600_000,
    run: async ({ mark }, { runProcess }) =>
      await runProcess({ argv: [process.execPath, "-e", stubborn(mark)], cwd: "/" }),
  });
  const safety = new SafetyController(database.db);
  const executor = new ActionExecutor({
    db: database.db,
    registry,
    policy: {
      rules: [{ action: "*", decision: "allow", reason: "bench" }],
      protectedPaths: [],
    },
    safety,
    sessions: new SessionRiskTracker(),
  });
  const watch = await safety.watch(database.sql);
  process.on("message", (mark) => {
    if (mark === "stop") {
      executor.close();
      void watch
        .stop()
        .then(async () => await database.close())
        .then(() => process.disconnect());
      return;
    }
    const requester = { kind: "system", name: "bench" };
    const request = { actionName: "stubborn", parameters: { mark }, reason: "bench", requester };
    void executor
      .perform({ ...request, agentId: null, sessionId: mark })
      .then(({ outcome }) => process.send(outcome));
  });
  process.send("ready");
}

const nextMessage = async (child) => await new Promise((resolve) => child.once("message", resolve));

async function until(condition) {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it did not become so within 20 s");
    await sleep(5);
  }
}

/** One round: milliseconds until the candidate was gone, the action was gone, the switch returned. */
async function round(number, { safety, child, workspace }) {
  const candidateMark = `jarvis-bench-candidate-${process.pid}-${number}`;
  const actionMark = `jarvis-bench-action-${process.pid}-${number}`;
  await safety.setMode("execute", byHand);
  const acted = nextMessage(child);
  child.send(actionMark);
  const argv = ["node", "-e", stubborn(candidateMark)];
  const sandboxed = runInSandbox({ argv, workspace });
  // The candidate's parents carry the mark in their command lines as well.
  await until(() => marked(candidateMark).length >= 2 && marked(actionMark).length === 2);
  await sleep(50);

  const started = performance.now();
  const gone = {};
  const look = () => {
    for (const [name, mark] of [
      ["candidate", candidateMark],
      ["action", actionMark],
    ]) {
      if (gone[name] === undefined && marked(mark).length === 0) {
        gone[name] = performance.now() - started;
      }
    }
  };
  const watching = setInterval(look, 5);
  const count = await safety.killSwitch(byHand);
  const returned = performance.now() - started;
  clearInterval(watching);
  const left = [...marked(candidateMark), ...marked(actionMark)];
  look();
  const result = await sandboxed;
  const outcome = await acted;
  if (left.length > 0 || count !== 2 || outcome !== "cancelled" || result.outcome !== "killed") {
    throw new Error(
      `round ${number}: ${left.length} processes left, ${count} cancelled, the action ${outcome}, the candidate ${result.outcome}`,
    );
  }
  return { candidate: gone.candidate, action: gone.action, returned };
}

function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1];
}

async function main(rounds) {
  const sandbox = await checkSandbox();
  if (!sandbox.available) throw new Error(sandbox.message);
  const scratch = mkdtempSync(join(tmpdir(), "jarvis-bench-kill-"));
  const stateDirectory = join(scratch, "state");
  const workspace = mkdtempSync(join(scratch, "workspace-"));
  const database = await openDatabase({ stateDirectory });
  const child = fork(self, ["--actions", stateDirectory]);
  try {
    await nextMessage(child);
    const safety = new SafetyController(database.db, { onKill: [killAllSandboxes] });
    const samples = [];
    for (let number = 1; number <= rounds; number += 1) {
      samples.push(await round(number, { safety, child, workspace }));
    }
    console.log(`${rounds} rounds, milliseconds from the call of the kill switch`);
    for (const [title, name] of [
      ["the candidate in the sandbox is gone", "candidate"],
      ["the action of the other process is gone", "action"],
      ["the switch returns: nothing runs any more", "returned"],
    ]) {
      const values = samples.map((sample) => sample[name]);
      const figures = [0.5, 0.99].map((share) => percentile(values, share).toFixed(0));
      console.log(
        `${title.padEnd(44)} p50 ${figures[0].padStart(5)}  p99 ${figures[1].padStart(5)}`,
      );
    }
  } finally {
    if (child.connected) {
      child.send("stop");
      await new Promise((resolve) => child.once("exit", resolve));
    }
    await database.close({ stopServer: true });
    await destroyEmbedded(stateDirectory);
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (process.argv[2] === "--actions") await serveActions(process.argv[3]);
else await main(Number(process.argv[2] ?? 50));
