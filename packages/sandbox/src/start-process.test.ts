import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

const MODULE = new URL("../dist/start-process.js", import.meta.url).href;

/** In a process of its own, which has no descriptors left but the few that a look at them takes. */
const exhausted = `
  import { closeSync, openSync } from "node:fs";
  import { startProcess } from ${JSON.stringify(MODULE)};
  const held = [];
  try { for (;;) held.push(openSync("/dev/null", "r")); } catch {}
  for (const descriptor of held.slice(-6)) closeSync(descriptor);
  const nothing = () => undefined;
  const listeners = { stdout: nothing, stderr: nothing, setup: nothing, status: nothing, ready: nothing };
  const command = { argv: ["/bin/true"], stdin: { kind: "nothing" }, feeds: new Map() };
  const started = startProcess(command, listeners);
  console.log(await started.exited);
  await started.drained;
  started.close();`;

it("says why where no process could be started for want of descriptors", () => {
  const script = 'ulimit -n 60; exec "$0" --input-type=module --eval "$1"';
  const said = execFileSync("bash", ["-c", script, process.execPath, exhausted], {
    encoding: "utf8",
  });
  expect(said).toContain("EMFILE");
});
