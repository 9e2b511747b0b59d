// Inserts into one table for some seconds and prints rows a second and the p99 of a statement:
// the clients of bench/ledger.mjs, in a process of their own, as whoever seals is another one.
import { performance } from "node:perf_hooks";
import { connect } from "../packages/db/dist/connection.js";
import { insertSql, payload } from "./ledger-rows.mjs";

const { url, table, clients, batch, seconds, first } = JSON.parse(process.env.JARVIS_BENCH);
// Opened before the clock runs: what is compared is the insert.
const pool = await Promise.all(
  Array.from({ length: clients }, async () => {
    const client = connect(url, { max: 1, role: "jarvis_runtime", applicationName: "bench" });
    await client`select 1`;
    return client;
  }),
);
const end = performance.now() + seconds * 1000;
const took = [];
let rows = 0;
await Promise.all(
  pool.map(async (client, number) => {
    for (let n = 0; performance.now() < end; n += 1) {
      const started = performance.now();
      rows += batch;
      await client.unsafe(insertSql(table, batch), [
        `run-${number}-${n % 50}`,
        payload,
        first + rows,
      ]);
      took.push(performance.now() - started);
    }
  }),
);
await Promise.all(pool.map((client) => client.end()));
took.sort((a, b) => a - b);
const p99 = took[Math.min(took.length - 1, Math.floor(took.length * 0.99))] ?? 0;
process.stdout.write(JSON.stringify({ rate: rows / seconds, p99, last: first + rows }));
