import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

const MODULE = new URL("../../dist/kernel/forge-process.js", import.meta.url).href;

it("answers why where the forge cannot be started for want of descriptors", () => {
  // In a process of its own, which has but the one that finding the program takes: nothing but the answer may end it.
  const exhausted = `
    import { closeSync, openSync } from "node:fs";
    import { startForgeProcess } from ${JSON.stringify(MODULE)};
    const held = [];
    try { for (;;) held.push(openSync("/dev/null", "r")); } catch {}
    closeSync(held.pop());
    const seed = { gitDirectory: "/nowhere", commit: "none" };
    const options = { directory: "/nowhere", owner: "o", repository: "r", seed };
    const failed = await startForgeProcess(options).catch((error) => error);
    process.on("exit", () => console.log(failed.message));`;
  const script = 'ulimit -n 400; exec "$0" --input-type=module --eval "$1"';
  const said = execFileSync("bash", ["-c", script, process.execPath, exhausted], {
    encoding: "utf8",
  });
  expect(said).toMatch(/^The local forge could not be started: .*EMFILE/);
});
