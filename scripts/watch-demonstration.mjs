// Shows the demonstration and watches it through the operator's page, in Chromium:
//
//   node scripts/watch-demonstration.mjs [--screenshots]
//
// Every row of the demonstration's table has to have been seen on the page as it happened: runs with
// their outcome and reasons, both switches, rollbacks, and the releases of the lineage. What was not
// seen is named. Exit code: 0 all seen and as expected, 1 not, 3 the demonstration could not run.
// With --screenshots the pictures of the documentation are made from what it left.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, jarvis, launch, letIn, view, whenRead } from "./browser.mjs";
import { root, setUp } from "./setup.mjs";

setUp();
const stateDir = join(root, ".jarvis/demo");
const facts = join(stateDir, "kernel.json");
const at = ["--repo", root, "--state-dir", stateDir];
/** Where the kernel answers, as it wrote it down; an earlier demonstration may have left its own. */
const address = () => (existsSync(facts) ? readFileSync(facts, "utf8") : null);
const before = address();

const child = spawn(process.execPath, [jarvis, "demo"], {
  cwd: root,
  stdio: ["ignore", "pipe", "inherit"],
});
let printed = "";
child.stdout.setEncoding("utf8").on("data", (text) => {
  printed += text;
  process.stdout.write(text);
});
const over = new AbortController();
const ended = once(child, "close").then(([code]) => {
  over.abort();
  return code ?? 3;
});

const browser = await launch();
try {
  const watched = await watch();
  const exitCode = await ended;
  if (watched === null || exitCode === 3) process.exitCode = 3;
  else {
    const missing = notSeen(tableOf(printed), await watched.all());
    process.stdout.write("\nWatched through the page:\n");
    for (const { what, isSeen } of missing) {
      process.stdout.write(`  ${isSeen ? "seen    " : "NOT SEEN"}  ${what}\n`);
    }
    process.exitCode = exitCode === 0 && missing.every(({ isSeen }) => isSeen) ? 0 : 1;
  }
} finally {
  await browser.close();
  if (!over.signal.aborted) child.kill("SIGTERM");
  await ended;
}
if (process.argv.includes("--screenshots") && process.exitCode !== 3) {
  const pictures = spawn(process.execPath, [join(root, "scripts/screenshots.mjs")], {
    stdio: "inherit",
  });
  const [code] = await once(pictures, "close");
  if (code !== 0) process.exitCode = 1;
}

/**
 * Opens three screens that write down everything they ever showed, and a fourth for each run; null
 * where the demonstration ended before there was a kernel.
 */
async function watch() {
  while (address() === null || address() === before) {
    if (over.signal.aborted) return null;
    await sleep(100);
  }
  const context = await browser.newContext(view);
  // The kernel builds its first release meanwhile, with all that the machine has.
  context.setDefaultTimeout(120_000);
  const first = await context.newPage();
  await letIn(first, ask(at, "login"));
  const { origin } = new URL(first.url());
  const pages = { now: first };
  for (const [name, path] of Object.entries({ runs: "/runs", lineage: "/lineage" })) {
    pages[name] = await context.newPage();
    await pages[name].goto(`${origin}${path}`);
    await whenRead(pages[name]);
  }
  for (const page of Object.values(pages)) await page.evaluate(writeDown);
  const detail = await context.newPage();
  const read = new Map();
  const reading = readRuns(pages.runs, detail, origin, read);
  return {
    async all() {
      await reading;
      const shown = {};
      for (const [name, page] of Object.entries(pages)) {
        shown[name] = await page.evaluate(() => [...globalThis.everShown]);
      }
      return { ...shown, details: [...read.values()].map(({ text }) => text) };
    },
  };
}

/** In the page: keeps each text that one of its parts ever had, however briefly. */
function writeDown() {
  const parts = "tbody tr, main li, main .card, header .badge, .summary, .connection";
  const shown = new Set();
  globalThis.everShown = shown;
  const look = () => {
    for (const part of document.querySelectorAll(parts)) {
      shown.add(part.textContent.replaceAll(/\s+/g, " ").trim());
    }
    if (document.querySelector(".edge.back") !== null) shown.add("an edge back");
  };
  new MutationObserver(look).observe(document.body, {
    subtree: true,
    childList: true,
    characterData: true,
  });
  look();
}

/** Opens the page of each run once it stands still, with what blocked it, until the end. */
async function readRuns(runs, detail, origin, read) {
  while (!over.signal.aborted) {
    const rows = await runs.evaluate(() =>
      Array.from(document.querySelectorAll("tbody tr"), (row) => ({
        path: row.querySelector("a").getAttribute("href"),
        status: row.querySelector(".badge").textContent,
      })),
    );
    const still = ["blocked", "blessed", "rolled back", "parked", "failed"];
    const next = rows
      .toReversed()
      .find(({ path, status }) => still.includes(status) && read.get(path)?.status !== status);
    if (next === undefined) {
      await sleep(200);
      continue;
    }
    try {
      await detail.goto(`${origin}${next.path}`, { timeout: 5000 });
      await whenRead(detail);
      const blocked = detail.getByRole("button", { name: /promotion blocked/ });
      for (let each = 0; each < (await blocked.count()); each += 1) await blocked.nth(each).click();
      const text = await detail.locator("main").textContent();
      read.set(next.path, { status: next.status, text: text.replaceAll(/\s+/g, " ") });
    } catch {
      // The kernel is on its way to another release: the row is still there when it is back.
      await sleep(200);
    }
  }
}

/** The rows of the table that the demonstration printed. */
function tableOf(text) {
  const lines = text.split("\n");
  const rule = lines.findIndex((line) => /^-{5,}(  -+)+$/.test(line));
  if (rule < 0) return [];
  const starts = [...lines[rule].matchAll(/-+/g)].map(({ index }) => index);
  const rows = lines.slice(rule + 1);
  const isRow = (line) => starts.slice(1).every((start) => line[start - 1] === " ");
  return rows
    .slice(
      0,
      rows.findIndex((line) => !isRow(line)),
    )
    .map((line) => {
      const [title, outcome, reasons, , merge] = starts.map((from, column) =>
        line.slice(from, starts[column + 1]).trim(),
      );
      return { title, outcome, reasons: reasons === "-" ? "" : reasons, merge };
    });
}

/** What of the demonstration had to be on the page, and whether it was. */
function notSeen(rows, { now, runs, lineage, details }) {
  const told = [];
  const tell = (what, isSeen) => told.push({ what, isSeen });
  const has = (texts, ...parts) => texts.some((text) => parts.every((part) => text.includes(part)));
  if (rows.length === 0) tell("the table of the demonstration", false);
  for (const { title, outcome, reasons, merge } of rows) {
    const badge = outcome.replaceAll("-", " ");
    // A goal's run has the title of what the author wrote; its merge is the same. Titles of runs
    // become commits, and lose their colons.
    const name = title.startsWith("A goal:")
      ? merge.slice(0, 8)
      : title
          .replace(/ \((killed|observe only|paused|resumed|again)\)$/, "")
          .replaceAll(/: ?/g, " ");
    tell(`${title}: ${outcome}, among the runs`, has(runs, name, badge));
    const why = reasons.replace(" in ", " ").split(" ").filter(Boolean);
    if (why.length > 0) {
      tell(`${title}: ${reasons}, on its own page`, has(details, name, ...why));
    }
    if (outcome === "rolled-back") {
      tell(`${title}: rolled back and held, in the lineage`, has(lineage, name, badge, "held"));
    }
    if (outcome === "blessed") {
      tell(`${title}: blessed and serving, in the lineage`, has(lineage, name, badge, "serving"));
    }
  }
  tell("a way back, drawn in the lineage", lineage.includes("an edge back"));
  for (const words of ["observing", "executing", "promotion paused"]) {
    tell(`the header's "${words}"`, now.includes(words));
  }
  tell("the pause with its reason", has(now, "paused", "demonstration"));
  tell("a health window with its verdict so far", has(now, "Verdict so far"));
  tell("that the kernel was gone for a moment", has(now, "The kernel does not answer."));
  return told;
}
