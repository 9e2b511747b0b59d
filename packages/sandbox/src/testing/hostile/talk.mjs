// Talked with over stdin and stdout; inert outside of a sandbox.
// argv: what to do, then a marker by which the process is found.
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

if (!readFileSync("/proc/self/status", "utf8").includes("Seccomp:\t2")) {
  process.stdout.write("inert: this test program acts inside of a sandbox only\n");
  process.exit(1);
}
const [what] = process.argv.slice(2);
const print = (text) => writeSync(1, text);

switch (what) {
  case "echo":
    process.stderr.write("listening\n");
    for await (const line of createInterface({ input: process.stdin })) {
      if (line === "end") process.exit(7);
      print(`${line}\n`);
    }
    break;
  case "flood":
    for (;;) print(`${"x".repeat(1000)}\n`);
  case "endless-line":
    for (;;) print("x".repeat(65_536));
  case "noise":
    for (;;) writeSync(2, `${"x".repeat(1000)}\n`);
  case "deaf":
    // Never reads.
    setInterval(() => undefined, 1000);
    print("here\n");
    break;
}
