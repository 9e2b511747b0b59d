// How long going back takes: from the order until the body of the release before answers and serves.
//
//   pnpm bench:rollback [rounds]        default 20; about five seconds a round, and both kinds
//
// Every round promotes a change to a small repository, waits until its body is watched, and orders it
// back. In the second kind database and forge are stopped (SIGSTOP, every process of both) before the
// order and go on after it. A round after which the old body does not answer is an error, not a figure.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { livingProject } from "../apps/agent/src/testing/living-files.mjs";
import { destroyEmbedded } from "../packages/db/dist/index.js";

const rounds = Number(process.argv[2] ?? 20);
const program = fileURLToPath(new URL("../apps/agent/dist/main.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "jarvis-bench-rollback-"));
const repo = join(scratch, "project");
const stateDir = join(scratch, "state");

const config = JSON.parse(livingProject["jarvis.config.json"]);
const files = {
  ...livingProject,
  "package.json": JSON.stringify({ name: "plain", version: "1.0.0", type: "module" }),
  // Longer than a round: the window is open when the order comes.
  "jarvis.config.json": JSON.stringify({
    ...config,
    healthWindow: { ...config.healthWindow, minimumSeconds: 60, maximumSeconds: 600 },
  }),
};

function git(...args) {
  const who = ["-c", "user.name=Person", "-c", "user.email=person@example.com"];
  return execFileSync("git", ["-C", repo, ...who, ...args], { encoding: "utf8" });
}

function write(changed) {
  for (const [path, content] of Object.entries(changed)) {
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    writeFileSync(join(repo, path), content);
  }
}

function patchOf(changed) {
  write(changed);
  git("add", "-A");
  const patch = git("diff", "--cached", "HEAD");
  git("reset", "-q", "--hard", "HEAD");
  return patch;
}

async function until(ask, limitMs = 240_000, everyMs = 20) {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadline) throw new Error(`no answer within ${limitMs} ms`);
    await sleep(everyMs);
  }
}

async function startKernel() {
  const child = spawn(
    process.execPath,
    [program, "--repo", repo, "--state-dir", stateDir, "--port", "0", "--until-stdin-closes"],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH: process.env.PATH, HOME: "/nonexistent", JARVIS_FREE_SPACE_MIB: "64" },
    },
  );
  const line = await new Promise((resolve) =>
    createInterface({ input: child.stdout }).once("line", resolve),
  );
  const { url } = JSON.parse(line);
  const token = readFileSync(join(stateDir, "token"), "utf8").trim();
  const ask = async (path, init) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    get: async (path) => await ask(path, { method: "GET" }),
    post: async (path, given) => await ask(path, { method: "POST", body: JSON.stringify(given) }),
    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
    },
  };
}

const serving = () => {
  try {
    return JSON.parse(readFileSync(join(stateDir, "releases", "serving.json"), "utf8"))
      .releaseDigest;
  } catch {
    return null;
  }
};

/** Every process of the database and of the forge of this state. */
function outsiders() {
  const record = JSON.parse(readFileSync(join(stateDir, "postgres", "cluster.json"), "utf8"));
  const postmaster = readFileSync(join(record.root, "data", "postmaster.pid"), "utf8").split(
    "\n",
  )[0];
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      const isForge = command.includes("forge") && command.includes(stateDir);
      return pid === postmaster || parent === postmaster || isForge;
    } catch {
      return false;
    }
  });
}

function signalAll(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(Number(pid), name);
    } catch {
      // A backend of the database that has ended since.
    }
  }
}

/** One round: milliseconds from the order until the body of the release before serves. */
async function round(kernel, number, { down }) {
  const before = await until(() => serving());
  const patch = patchOf({ [`lib/n${number}.js`]: `export const n = ${number};\n` });
  const { runId } = await kernel.post("/api/proposals", { patch });
  await until(async () => {
    const { body } = await kernel.get("/api/status");
    return body?.window?.runId === runId && body.window.exposures > 5 ? true : null;
  });
  const stopped = down ? outsiders() : [];
  if (down && stopped.length < 3) throw new Error("database and forge were not found");
  signalAll(stopped, "SIGSTOP");
  const started = performance.now();
  const ordered = kernel.post("/api/rollback", { reason: "bench" });
  ordered.catch(() => undefined);
  let ms;
  try {
    ms = await until(() => (serving() === before ? performance.now() - started : null), 20_000, 1);
  } finally {
    signalAll(stopped, "SIGCONT");
  }
  await ordered;
  const { output } = await kernel.post("/api/tools/double/call", { input: { n: number } });
  if (output !== number * 2) throw new Error(`the old body answered ${output}`);
  await kernel.post(`/api/holds/${runId}/lift`, { reason: "bench" });
  await until(async () => {
    const { openRuns } = await kernel.get("/api/status");
    return openRuns.length === 0 ? true : null;
  });
  return ms;
}

function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1];
}

mkdirSync(repo);
git("init", "-q", "-b", "main");
write(files);
git("add", "-A");
git("commit", "-q", "-m", "First commit");
const kernel = await startKernel();
try {
  await kernel.post("/api/mode", { mode: "execute", reason: "bench" });
  console.log(`${rounds} rounds of each, milliseconds from the order until the old body serves`);
  let number = 0;
  for (const [title, down] of [
    ["with everything up", false],
    ["with database and forge stopped", true],
  ]) {
    const values = [];
    for (let each = 0; each < rounds; each += 1) {
      values.push(await round(kernel, (number += 1), { down }));
    }
    const [p50, p95, max] = [0.5, 0.95, 1].map((share) => percentile(values, share).toFixed(0));
    console.log(
      `${title.padEnd(34)} p50 ${p50.padStart(5)}  p95 ${p95.padStart(5)}  max ${max.padStart(5)}`,
    );
  }
} finally {
  await kernel.stop();
  await destroyEmbedded(stateDir);
  rmSync(scratch, { recursive: true, force: true });
}
