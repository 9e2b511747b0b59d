// Hostile on purpose, for tests: ignores SIGTERM and leaves a daemon in a session of its own that
// holds stdout open and writes a heartbeat to /out. argv[2] "stay" waits for ever, "leave" exits 0.
// Whatever else is in argv is there to be found in a list of processes.
import { spawn } from "node:child_process";
import fs from "node:fs";

const [, script, what] = process.argv;
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => undefined);

if (what === "daemon") {
  setInterval(() => fs.appendFileSync("/out/heartbeat", "."), 10);
} else {
  spawn(process.execPath, [script, "daemon", ...process.argv.slice(3)], {
    detached: true,
    stdio: "inherit",
  }).unref();
  const waitForDaemon = setInterval(() => {
    if (!fs.existsSync("/out/heartbeat")) return;
    clearInterval(waitForDaemon);
    process.stdout.write("daemon lives\n");
    if (what === "leave") process.exit(0);
    for (;;);
  }, 5);
}
