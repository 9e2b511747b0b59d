// Makes the pictures of the README from the state that the demonstration left:
//
//   npm start -- --once && node scripts/screenshots.mjs
//
// Another state is named with --repo DIR --state-dir DIR. A kernel is started on it, a browser is let
// in by a link, and every screen is kept as docs/images/<screen>.png, each below 200 kB.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { root } from "./setup.mjs";

const { values } = parseArgs({
  options: { repo: { type: "string" }, "state-dir": { type: "string" } },
});
const repo = resolve(values.repo ?? root);
const stateDir = resolve(values["state-dir"] ?? join(repo, ".jarvis/demo"));
const at = ["--repo", repo, "--state-dir", stateDir, "--json"];
const jarvis = join(root, "apps/cli/dist/main.js");
const images = join(root, "docs/images");
const LIMIT_BYTES = 200_000;

const { chromium } = createRequire(join(root, "apps/dashboard/package.json"))("playwright-core");
mkdirSync(images, { recursive: true });

const kernel = spawn(process.execPath, [jarvis, "up", "--port", "0", ...at], {
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  await once(createInterface({ input: kernel.stdout }), "line");
  const { url } = ask("login");
  const browser = await chromium.launch({
    executablePath: execFileSync("which", ["chromium"], { encoding: "utf8" }).trim(),
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
  });
  const page = await browser.newPage({
    viewport: { width: 1240, height: 780 },
    timezoneId: "UTC",
    reducedMotion: "reduce",
  });
  await page.goto(url);
  await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
  const origin = new URL(url).origin;
  const shown = ask("runs", "--limit", "100").runs ?? ask("runs", "--limit", "100");
  const ofStatus = (status) => shown.find((run) => run.status === status)?.runId;
  const run = ofStatus("rolled-back") ?? ofStatus("blocked") ?? shown[0]?.runId;
  const screens = {
    now: "/",
    runs: "/runs",
    run: `/runs/${run}`,
    ledger: "/ledger",
    lineage: "/lineage",
    trends: "/trends",
    actions: "/actions",
  };
  for (const [name, path] of Object.entries(screens)) {
    await page.goto(`${origin}${path}`);
    await page.locator("main h1").waitFor();
    for (let look = 0; look < 100; look += 1) {
      if ((await page.locator("main .state .spinner").count()) === 0) break;
      await page.waitForTimeout(100);
    }
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

/** A command of the command line, and its one document. */
function ask(...args) {
  return JSON.parse(execFileSync(process.execPath, [jarvis, ...args, ...at], { encoding: "utf8" }));
}
