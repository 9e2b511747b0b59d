// npm start: sets everything up, shows the demonstration on Jarvis's own source, then runs Jarvis.
// npm start -- --once ends after the demonstration's table: 0 all as expected, 1 not, 3 could not run.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root, setUp } from "./setup.mjs";

const usage =
  "npm start shows the demonstration and then runs Jarvis; npm start -- --once ends after the demonstration.";
const { once, help } = readFlags();
if (help) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
setUp();

const jarvis = join(root, "apps/cli/dist/main.js");
const demonstration = await start([jarvis, "demo"]);
if (once || demonstration === 3) process.exit(demonstration);
process.stdout.write("\nThe demonstration is over; Jarvis starts on your own state.\n\n");
process.exit(await start([jarvis, "up"]));

function readFlags() {
  try {
    return parseArgs({ options: { once: { type: "boolean" }, help: { type: "boolean" } } }).values;
  } catch (error) {
    process.stderr.write(`jarvis: ${error.message}. ${usage}\n`);
    process.exit(2);
  }
}

/** Runs a command of Jarvis with this terminal; a signal goes to it and its ending is ours. */
function start(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  const forward = (signal) => child.kill(signal);
  process.on("SIGINT", forward);
  process.on("SIGTERM", forward);
  return new Promise((resolve) => {
    child.once("close", (code) => {
      process.off("SIGINT", forward);
      process.off("SIGTERM", forward);
      resolve(code ?? 3);
    });
  });
}
