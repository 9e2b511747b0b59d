// Makes the pictures of the documentation from the state that the demonstration left:
//
//   npm start -- --once && node scripts/screenshots.mjs
//
// Another state is named with --repo DIR --state-dir DIR. A kernel is started on it, a browser is let
// in by a link, and every screen is kept as docs/images/<screen>.png, each below 200 kB.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { ask, jarvis, launch, letIn, view, whenRead } from "./browser.mjs";
import { root } from "./setup.mjs";

const { values } = parseArgs({
  options: { repo: { type: "string" }, "state-dir": { type: "string" } },
});
const repo = resolve(values.repo ?? root);
const stateDir = resolve(values["state-dir"] ?? join(repo, ".jarvis/demo"));
const at = ["--repo", repo, "--state-dir", stateDir];
const images = join(root, "docs/images");
const LIMIT_BYTES = 200_000;

mkdirSync(images, { recursive: true });

// The demonstration's dependency trees lie beside its state, so that the next one finds them.
const beside = join(dirname(stateDir), "dependencies");
const kernel = spawn(process.execPath, [jarvis, "up", "--port", "0", ...at, "--json"], {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, ...(existsSync(beside) && { JARVIS_DEPENDENCIES_DIR: beside }) },
});
try {
  await once(createInterface({ input: kernel.stdout }), "line");
  const link = ask(at, "login");
  const browser = await launch();
  const page = await browser.newPage(view);
  await letIn(page, link);
  const { origin } = new URL(link.url);
  const found = ask(at, "runs", "--limit", "100");
  const shown = found.runs ?? found;
  const ofStatus = (status) => shown.find((run) => run.status === status)?.runId;
  const run = ofStatus("rolled-back") ?? ofStatus("blocked") ?? shown[0]?.runId;
  const goals = ask(at, "goal", "list");
  const screens = {
    now: "/",
    runs: "/runs",
    run: `/runs/${run}`,
    goal: goals.length === 0 ? "/goals" : `/goals/${goals[0].id}`,
    ledger: "/ledger",
    lineage: "/lineage",
    trends: "/trends",
    actions: "/actions",
  };
  for (const [name, path] of Object.entries(screens)) {
    await page.goto(`${origin}${path}`);
    await whenRead(page);
    // Promotion is open after the demonstration; whatever it is, the switches are there.
    await page.locator("header").getByRole("button", { name: "Pause promotion" }).waitFor();
    const file = join(images, `${name}.png`);
    await page.screenshot({ path: file });
    const { size } = statSync(file);
    if (size > LIMIT_BYTES) throw new Error(`${file} has ${size} bytes; at most ${LIMIT_BYTES}.`);
    process.stdout.write(`${name.padEnd(8)} ${size} bytes\n`);
  }
  await browser.close();
} finally {
  kernel.kill("SIGTERM");
  await once(kernel, "close");
}
