// Prints the tables of docs/health-window.md: false alarms, detection and shares of the verdicts.
// Usage: node scripts/simulate-health-window.mjs [--windows 1000] [--seed 1]
import { parseArgs } from "node:util";
import { healthWindowConfig } from "../packages/tools/dist/self-extension/health-watch.js";
import {
  seededRandom,
  simulateRecord,
  simulateWindow,
} from "../packages/tools/dist/self-extension/health/simulation.js";

const { values } = parseArgs({
  options: { windows: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } },
});
const windows = Number(values.windows);
const config = healthWindowConfig.parse({});
const CALLS_PER_SECOND = 10;
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Every cell draws from its own source, so that leaving one out changes no other. */
function cell(name, makeRecord, errorRate) {
  let seed = Number(values.seed);
  for (const letter of name) seed = (Math.imul(seed, 31) + letter.charCodeAt(0)) >>> 0;
  const random = seededRandom(seed);
  const counts = { healthy: 0, degraded: 0, undecided: 0 };
  const decidedAfter = [];
  for (let index = 0; index < windows; index += 1) {
    const { verdict, calls } = simulateWindow(
      { config, baseline: makeRecord(random), callsPerSecond: CALLS_PER_SECOND, errorRate },
      random,
    );
    counts[verdict.verdict] += 1;
    if (verdict.verdict !== "undecided") decidedAfter.push(calls);
  }
  decidedAfter.sort((a, b) => a - b);
  const median = decidedAfter[decidedAfter.length >> 1] ?? "-";
  return `| ${name} | ${percent(counts.degraded / windows)} | ${percent(counts.healthy / windows)} | ${percent(counts.undecided / windows)} | ${median} |`;
}

function table(title, rows) {
  console.log(`\n${title}\n`);
  console.log(
    "| case | degraded | healthy | undecided at the maximum | median calls to the verdict |",
  );
  console.log("| --- | --- | --- | --- | --- |");
  for (const row of rows) console.log(row());
}

console.log(
  `alpha ${config.alpha}, tolerance ${config.tolerance}, ${CALLS_PER_SECOND} calls a second for at most ${config.maximumSeconds} s, ${windows} windows a row, seed ${values.seed}`,
);
const rates = [0, 0.005, 0.02];
const records = [2_000, 10_000];
const cases = (plus) =>
  records.flatMap((record) =>
    rates.map((rate) => () => {
      const name = `record of ${record}, baseline ${percent(rate)}, release ${percent(rate + plus)}`;
      return cell(
        name,
        (random) => simulateRecord(record, rate, random),
        () => rate + plus,
      );
    }),
  );
table("As good as the baseline (degraded is a false alarm)", cases(0));
for (const plus of [0.02, 0.05, 0.2])
  table(`Worse by ${100 * plus} percentage points`, cases(plus));

const fixed = (exposures) => (random) => simulateRecord(exposures, 0, random);
const sparse = [0, 1, 2, 1, 0, 0];
table("Sparse, late and missing", [
  () => cell("no record at all, release without errors", fixed(0), () => 0),
  () => cell("no record at all, release 5 %", fixed(0), () => 0.05),
  () => cell("constant zero on both sides, record of 100", fixed(100), () => 0),
  () =>
    cell(
      "errors 0, 1, 2, 1, 0, 0 in six blocks of 100 against 600 zeros, again and again",
      fixed(600),
      (call) => (call % 100 < (sparse[Math.floor(call / 100) % 6] ?? 0) ? 1 : 0),
    ),
  () => cell("one error in 1,000, record of 10,000 zeros", fixed(10_000), () => 0.001),
  () => cell("good for 250 calls, then 20 %", fixed(2_000), (call) => (call < 250 ? 0 : 0.2)),
  () => cell("good for 500 calls, then 5 %", fixed(2_000), (call) => (call < 500 ? 0 : 0.05)),
]);
