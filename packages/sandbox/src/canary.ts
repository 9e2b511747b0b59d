/** What the canary says. A program of ours writes it, in a sandbox that may not hold. */
export interface CanaryReport {
  /** Names of what it could do and should not have been able to, or the other way round. */
  broken: string[];
}

/** The only variables a sandbox starts with; the shell that starts the program adds PWD. */
const expectedVariables = ["PATH", "HOME", "TMPDIR", "LANG", "CI", "PWD", "OLDPWD", "_"];

/**
 * The self-test's program. Arguments: the port of a server on the host's loopback, and the path of
 * a file on the host that everyone may read. Run with `node -e`, so it is one text.
 */
export const canaryProgram = `
"use strict";
const fs = require("node:fs"), net = require("node:net"), os = require("node:os");
const [port, secretFile] = process.argv.slice(1);
const broken = [];
const mustFail = (name, attempt) => { try { attempt(); broken.push(name); } catch {} };
const mustWork = (name, attempt) => { try { if (attempt() === false) broken.push(name); } catch { broken.push(name); } };
const status = fs.readFileSync("/proc/self/status", "utf8");
const field = (name) => (new RegExp("^" + name + ":\\\\s*(\\\\S+)", "m").exec(status) || [])[1];

mustFail("reads-host-files", () => fs.readFileSync(secretFile));
mustFail("writes-workspace", () => fs.writeFileSync("/ws/canary", ""));
mustFail("writes-system", () => fs.writeFileSync("/usr/canary", ""));
mustFail("writes-root", () => fs.writeFileSync("/canary", ""));
mustFail("sets-kernel-parameters", () => fs.closeSync(fs.openSync("/proc/sys/kernel/core_pattern", "w")));
mustWork("sees-environment", () => Object.keys(process.env).every((name) => ${JSON.stringify(expectedVariables)}.includes(name)));
mustWork("sees-network", () => Object.values(os.networkInterfaces()).flat().every((one) => one.internal));
mustWork("sees-processes", () => fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)).length < 8);
mustWork("has-capabilities", () => /^0+$/.test(field("CapEff")));
mustWork("may-gain-privileges", () => field("NoNewPrivs") === "1");
mustWork("no-system-call-filter", () => field("Seccomp") === "2");
mustWork("cannot-write-scratch", () => fs.writeFileSync("/tmp/canary", "x"));
mustWork("cannot-write-output", () => fs.writeFileSync("/out/canary", "x"));

const done = () => { process.stdout.write(JSON.stringify({ broken })); };
const socket = net.connect(Number(port), "127.0.0.1");
socket.once("connect", () => { broken.push("reaches-host-network"); socket.destroy(); done(); });
socket.once("error", done);
`;

/** The report, or `undefined` for anything else on stdout. */
export function parseCanaryReport(text: string): CanaryReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("broken" in value)) return undefined;
  const { broken } = value;
  return Array.isArray(broken) && broken.every((name) => typeof name === "string")
    ? { broken }
    : undefined;
}
