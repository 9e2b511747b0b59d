// The operator's page against a large ledger, and many listeners.
//
//   pnpm bench:room [events] [clients]       default 1000000 and 200; about ten minutes
//
// A kernel guards a small project. Its ledger is filled with runs of five events each, by inserts that
// the database numbers like any other. Then it is asked what the page asks, and listened to by clients
// of another process while events are committed. Times are those of whoever asks, over HTTP.
import { execFileSync, fork, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { destroyEmbedded, openDatabase } from "../packages/db/dist/index.js";

const self = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));
const { v7: uuid } = createRequire(join(root, "packages/tools/package.json"))("uuid");
const sha = (letter) => letter.repeat(40);
const digest = `sha256:${"d".repeat(64)}`;
const PER_RUN = 5;

function percentile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}

function line(name, values) {
  const p = (part) => String(Math.round(percentile(values, part))).padStart(6);
  process.stdout.write(`${name.padEnd(44)} ${p(0.5)} ${p(0.95)} ${p(0.99)}\n`);
}

/** An event of no run: nothing is begun by it. */
const switched = {
  paused: false,
  reason: "bench",
  updatedBy: "bench",
  updatedAt: new Date().toISOString(),
  previouslyPaused: false,
};

/** A run as the pipeline writes one: proposed, staged, tested, promoted or blocked, and its end. */
function runEvents(index) {
  const proposed = {
    attempt: 1,
    patchDigest: digest,
    patchBytes: 512,
    title: `A change with the number ${index}`,
    goal: null,
    baseSha: null,
    treeSha: null,
    stagedSha: null,
    changedPaths: [],
    approval: null,
  };
  const staged = {
    ...proposed,
    baseSha: sha("a"),
    treeSha: sha("b"),
    stagedSha: sha("c"),
    changedPaths: ["src/add.js", "test/add.test.js"],
  };
  const stage = { name: "tests", status: "passed", durationMs: 900, category: null, reason: null };
  const tested = {
    attempt: 1,
    attestation: "verified",
    passed: true,
    baseSha: sha("a"),
    treeSha: sha("b"),
    evidenceDigest: digest,
    releaseDigest: digest,
    testEvidence: "in-process",
    stages: [stage, { ...stage, name: "smoke" }],
    reason: null,
  };
  const blocked = (parked) => ({
    attempt: 1,
    reasons: [parked ? "status-pending" : "status-failing"],
    detail: "A required status.",
    parked,
    branchName: null,
    headSha: null,
    pullRequestNumber: null,
    pullRequestUrl: null,
  });
  return [
    ["proposed", "propose", proposed],
    ["proposed", "stage", staged],
    ["tested", "verify", tested],
    ["promotion_blocked", "promote", blocked(true)],
    ["promotion_blocked", "promote", blocked(false)],
  ];
}

async function fill(sql, events) {
  const started = Date.now();
  const runs = Math.ceil(events / PER_RUN);
  const perInsert = 400;
  const types = runEvents(0).map(([type]) => type);
  const stages = runEvents(0).map(([, stage]) => stage);
  for (let at = 0; at < runs; at += perInsert) {
    const ids = Array.from({ length: Math.min(perInsert, runs - at) }, () => uuid());
    for (let step = 0; step < PER_RUN; step += 1) {
      const payloads = ids.map((_, index) => JSON.stringify(runEvents(at + index)[step][2]));
      await sql`
        insert into self_extension_events
          (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
        select run_id, run_id, ${types[step]}, ${stages[step]}, 'user',
          'operator-' || (row_number() over () % 20), ${`step-${step}`}, payload::jsonb
        from unnest(${ids}::text[], ${payloads}::text[]) as given (run_id, payload)`;
    }
  }
  const seconds = (Date.now() - started) / 1000;
  // The server's own look at what was written, which a ledger that grew has long had.
  for (let isKnown = false; !isKnown; await sleep(1000)) {
    const [table] = await sql`
      select n_mod_since_analyze < 50 + 0.1 * n_live_tup as "isKnown"
      from pg_stat_all_tables where relid = 'public.self_extension_events'::regclass`;
    ({ isKnown } = table);
  }
  return seconds;
}

async function startKernel(repo, stateDir) {
  const program = join(root, "apps/agent/dist/main.js");
  const at = ["--repo", repo, "--state-dir", stateDir, "--port", "0", "--until-stdin-closes"];
  const argv = ["--expose-gc", program, ...at];
  const child = spawn(process.execPath, argv, { stdio: ["pipe", "pipe", "inherit"] });
  const first = JSON.parse(
    await new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
  );
  const token = readFileSync(join(stateDir, "token"), "utf8").trim();
  return {
    pid: child.pid,
    url: first.url,
    token,
    async get(path) {
      const response = await fetch(`${first.url}${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return await response.json();
    },
    async stop() {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("close", resolve));
    },
  };
}

async function measure(times, ask) {
  const values = [];
  for (let at = 0; at < times; at += 1) {
    const started = performance.now();
    await ask(at);
    values.push(performance.now() - started);
  }
  return values;
}

/** Resident memory of a process, in MB. */
function residentMb(pid) {
  const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kb) / 1024;
}

/** The listeners' process: reports, for every event, the slowest and all delivery times. */
async function listenAll() {
  const { url, token, clients } = JSON.parse(process.argv[3]);
  const delays = [];
  let received = 0;
  const one = async (tell) => {
    const response = await fetch(`${url}/api/stream`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of response.body) {
      const now = Date.now();
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        if (part.includes("event: hello")) tell();
        const committed = /"correlationId":"at-(\d+)"/.exec(part)?.[1];
        if (committed === undefined) continue;
        received += 1;
        delays.push(now - Number(committed));
      }
    }
  };
  await Promise.all(
    Array.from(
      { length: clients },
      async () => await new Promise((resolve) => void one(resolve).catch(() => undefined)),
    ),
  );
  process.send({ ready: true });
  process.on("message", (message) => {
    if (message === "report") {
      process.send({ received, delays: delays.splice(0) });
      received = 0;
    }
  });
}

async function main() {
  const events = Number(process.argv[2] ?? 1_000_000);
  const clients = Number(process.argv[3] ?? 200);
  const directory = mkdtempSync(join(tmpdir(), "jarvis-bench-room-"));
  const stateDir = join(directory, ".jarvis");
  let kernel = null;
  let database = null;
  try {
    mkdirSync(join(directory, "test"));
    writeFileSync(
      join(directory, "package.json"),
      '{"name":"plain","version":"1.0.0","type":"module"}',
    );
    writeFileSync(
      join(directory, "test/a.test.js"),
      'import test from "node:test";\ntest("a", () => {});\n',
    );
    const git = (...args) =>
      execFileSync("git", [
        "-C",
        directory,
        "-c",
        "user.name=B",
        "-c",
        "user.email=b@example.com",
        ...args,
      ]);
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("commit", "-q", "-m", "First commit");
    kernel = await startKernel(directory, stateDir);
    database = await openDatabase({ stateDirectory: stateDir });
    const seconds = await fill(database.sql, events);
    process.stdout.write(`${events} events in ${Math.round(seconds)} s\n\n`);
    await database.sql.unsafe("select 1");
    const newest = Number((await kernel.get("/api/events?limit=1")).events[0].id);
    const anywhere = () => Math.floor(Math.random() * newest) + 100;

    process.stdout.write(`${"milliseconds".padEnd(44)}    p50    p95    p99\n`);
    await kernel.get("/api/status");
    const firstScreen = async () =>
      await Promise.all(
        ["/api/whoami", "/api/status", "/api/holds"].map((path) => kernel.get(path)),
      );
    line("first screen", await measure(100, firstScreen));
    line("ledger, newest page", await measure(100, () => kernel.get("/api/events?limit=50")));
    line(
      "ledger, any page",
      await measure(200, () => kernel.get(`/api/events?limit=50&before=${anywhere()}`)),
    );
    line(
      "ledger, any page of a type",
      await measure(200, () => kernel.get(`/api/events?limit=50&type=tested&before=${anywhere()}`)),
    );
    line(
      "ledger, any page of an actor",
      await measure(200, () =>
        kernel.get(`/api/events?limit=50&actor=operator-7&before=${anywhere()}`),
      ),
    );
    line(
      "ledger, a type that is not there",
      await measure(50, () => kernel.get("/api/events?limit=50&type=rolled_back")),
    );
    const { runs } = await kernel.get("/api/runs?limit=500");
    const anyRun = () => runs[Math.floor(Math.random() * runs.length)].runId;
    line("runs, newest page", await measure(100, () => kernel.get("/api/runs?limit=50")));
    line(
      "runs, any of the newest pages",
      await measure(100, () => kernel.get(`/api/runs?limit=50&before=${anyRun()}`)),
    );
    line("one run", await measure(100, () => kernel.get(`/api/runs/${anyRun()}`)));

    const facts = { url: kernel.url, token: kernel.token, clients };
    const listeners = fork(self, ["listen", JSON.stringify(facts)]);
    const hear = async () => await new Promise((resolve) => listeners.once("message", resolve));
    await hear();
    const report = async () => {
      listeners.send("report");
      return await hear();
    };
    const write = async () =>
      await database.sql`
        insert into self_extension_events
          (run_id, correlation_id, event_type, stage, actor_source, actor, idempotency_key, payload)
        values ('bench', ${`at-${Date.now()}`}, 'promotion_pause_changed', 'control', 'user', 'bench',
          ${uuid()}, ${JSON.stringify(switched)}::text::jsonb)`;
    const told = 300;
    for (let at = 0; at < told; at += 1) {
      await write();
      await sleep(100);
    }
    await sleep(2000);
    const { received, delays } = await report();
    line(`commit to delivery, ${clients} clients, 10/s`, delays);
    process.stdout.write(`${received} of ${told * clients} were delivered\n`);

    const memory = [residentMb(kernel.pid)];
    let delivered = 0;
    for (let part = 0; part < 4; part += 1) {
      for (let at = 0; at < 2500; at += 1) await write();
      await sleep(5000);
      delivered += (await report()).received;
      memory.push(residentMb(kernel.pid));
    }
    process.stdout.write(
      `memory of the kernel while 10000 events went to each: ${memory.map((mb) => `${Math.round(mb)} MB`).join(", ")}; ${delivered} of ${10_000 * clients} delivered\n`,
    );
    listeners.kill();
  } finally {
    await database?.close();
    await kernel?.stop();
    await destroyEmbedded(stateDir);
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[2] === "listen") await listenAll();
else await main();
