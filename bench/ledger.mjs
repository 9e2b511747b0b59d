// Measures the ledger: inserts against a plain table, the lag of checkpoints, the time of a verification.
//   node bench/ledger.mjs [rounds] [events to verify]
// Needs a build (`pnpm build`). Uses a server of its own in a throw-away directory.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { destroyEmbedded, openDatabase } from "../packages/db/dist/index.js";
import { startSealer, verifyLedger } from "../packages/ledger/dist/index.js";
import { insertSql, payload, twins } from "./ledger-rows.mjs";

const rounds = Number(process.argv[2] ?? 3);
const verified = Number(process.argv[3] ?? 1_000_000);
const SECONDS = 4;
const run = promisify(execFile);
/** The highest number that a row was given so far. */
let given = 1;
const stateDirectory = join(mkdtempSync(join(tmpdir(), "jarvis-bench-")), "state");
const handle = await openDatabase({ stateDirectory });
const { sql } = handle;
const admin = await openAdmin();

try {
  for (const [plain, ledger] of twins) {
    await admin.unsafe(`create table ${plain} (like ${ledger} including defaults including constraints including indexes);
      alter table ${plain} alter column id drop default;
      alter table ${plain} alter column id add generated always as identity;
      grant select, insert on ${plain} to jarvis_runtime`);
  }
  const sealer = await startSealer({ db: handle.db, stateDirectory });
  const results = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [clients, batch] of [
      [1, 1],
      [8, 1],
      [32, 1],
      [8, 100],
    ]) {
      // Who comes first is another one in each round, and nobody is left the backlog of another.
      const tables = twins.flat();
      for (const table of round % 2 === 0 ? tables : tables.toReversed()) {
        await sealer.sealNow();
        const name = `${clients} clients, ${batch} a statement, ${table}`;
        const measured = await insertFor(table, clients, batch);
        (results[name] ??= []).push(measured);
      }
    }
    console.log(`round ${round + 1} of ${rounds} ended`);
  }
  console.log(
    "| clients | rows a statement | table | rows/s | part | p99 ms | multiple |\n|---|---|---|---:|---:|---:|---:|",
  );
  for (const [name, all] of Object.entries(results)) {
    const [clients, batch, table] = name.split(", ");
    const plain = twins.find(([, ledger]) => ledger === table)?.[0] ?? table;
    const beside = results[`${clients}, ${batch}, ${plain}`];
    const rate = median(all.map((one) => one.rate));
    const p99 = median(all.map((one) => one.p99));
    console.log(
      `| ${clients} | ${batch} | ${table} | ${Math.round(rate)} | ${(rate / median(beside.map((one) => one.rate))).toFixed(2)} | ${p99.toFixed(1)} | ${(p99 / median(beside.map((one) => one.p99))).toFixed(2)} |`,
    );
  }
  await sealer.sealNow();
  const lags = await lagAt(2000);
  lags.sort((a, b) => a - b);
  console.log(
    `checkpoint lag at 2000 events/s: p50 ${at(lags, 0.5)} ms, p99 ${at(lags, 0.99)} ms, n ${lags.length}`,
  );

  const backlog = await fill(verified);
  const started = performance.now();
  await sealer.sealNow();
  const sealedMs = Math.round(performance.now() - started);
  if (backlog > 0) console.log(`sealed ${backlog} events of a backlog in ${sealedMs} ms`);
  const times = [];
  for (let round = 0; round < Math.max(1, rounds); round += 1) {
    const report = await verifyLedger(handle.db, { anchors: [], second: handle.db });
    if (!report.ok) throw new Error(JSON.stringify(report.divergences[0]));
    times.push(report.durationMs / report.size);
    console.log(`verified ${report.size} events in ${report.durationMs} ms`);
  }
  console.log(`verification: median ${Math.round(median(times) * 1e6)} ms for 1,000,000 events`);
  const [sizes] = await admin`
    select (select count(*) from ledger_leaves)::int as leaves,
      pg_total_relation_size('ledger_leaves') + pg_total_relation_size('ledger_nodes')
        + pg_total_relation_size('ledger_checkpoints') as tree,
      pg_total_relation_size('self_extension_events') + pg_total_relation_size('action_audit_log') as rows`;
  console.log(
    `size: ${(Number(sizes.tree) / sizes.leaves).toFixed(0)} bytes of tree for each event, beside ${(Number(sizes.rows) / sizes.leaves).toFixed(0)} of the row with its indexes`,
  );
  await sealer.stop();
} finally {
  await admin.end();
  await handle.close();
  await destroyEmbedded(stateDirectory);
  rmSync(join(stateDirectory, ".."), { recursive: true, force: true });
}

/** The superuser, for the plain table and for filling: nobody else may make either. */
async function openAdmin() {
  const { startEmbedded } = await import("../packages/db/dist/embedded/supervisor.js");
  const { connect } = await import("../packages/db/dist/connection.js");
  const { urls } = await startEmbedded(stateDirectory);
  return connect(urls.adminUrl, { max: 40, role: undefined, applicationName: "bench" });
}

async function insertFor(table, clients, batch) {
  const asked = { url: handle.runtimeUrl, table, clients, batch, seconds: SECONDS, first: given };
  const program = fileURLToPath(new URL("ledger-clients.mjs", import.meta.url));
  const env = { ...process.env, JARVIS_BENCH: JSON.stringify(asked) };
  const { stdout } = await run(process.execPath, [program], { env });
  const { last, ...measured } = JSON.parse(stdout);
  given = last;
  return measured;
}

/** Inserts at a fixed rate; every tenth of a second one event waits for its checkpoint. */
async function lagAt(rate) {
  const lags = [];
  const waiting = [];
  const per = rate / 20;
  const began = performance.now();
  for (let tick = 0; tick < 20 * 10; tick += 1) {
    const due = began + tick * 50;
    if (due > performance.now())
      await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    const inserted = await sql.unsafe(`${insertSql("action_audit_log", per)} returning id`, [
      `lag-${tick}`,
      payload,
      1,
    ]);
    const id = Number(inserted.at(-1).id);
    const committed = performance.now();
    waiting.push(until(id).then(() => lags.push(Math.round(performance.now() - committed))));
  }
  await Promise.all(waiting);
  return lags;
  // By looking, not by asking the sealer to hurry.
  async function until(id) {
    for (;;) {
      const [row] =
        await sql`select 1 from ledger_checkpoints where size > (select leaf_index from ledger_leaves where ledger = 2 and event_id = ${id}) limit 1`;
      if (row !== undefined) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Answers how many it added. */
async function fill(count) {
  const [{ sealed }] = await sql`select count(*)::int as sealed from ledger_leaves`;
  for (let left = count - sealed; left > 0; left -= 20_000) {
    await sql.unsafe(insertSql("action_audit_log", Math.min(left, 20_000)), [
      `fill-${left}`,
      payload,
      1,
    ]);
  }
  return Math.max(0, count - sealed);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function at(sorted, quantile) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
}
