// Stands in for a body, for tests, and misbehaves as its argument says. Acts in a sandbox only.
import { readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";

if (!readFileSync("/proc/self/status", "utf8").includes("Seccomp:\t2")) {
  process.stderr.write("inert: this test program acts inside of a sandbox only\n");
  process.exit(1);
}

const [behaviour] = process.argv.slice(2);
const send = (message) => writeSync(1, `${JSON.stringify(message)}\n`);
const tool = (name) => ({ name, description: name, effect: "read", inputSchema: {} });
const kept = [];
let sequence = 0;

const beat = (counts = {}) => {
  sequence += 1;
  send({ type: "heartbeat", sequence, cycles: 0, toolCalls: 0, toolErrors: 0, ...counts });
};

const afterReady = {
  exits: () => process.exit(3),
  "loses-heart": () => undefined,
  floods: () => {
    for (;;) send({ type: "heartbeat", text: "x".repeat(1000) });
  },
  "never-ends-a-line": () => {
    for (;;) writeSync(1, "x".repeat(65_536));
  },
  garbage: () => {
    for (const line of ["hello", "[".repeat(100_000), '{"type":"grant"}'])
      writeSync(1, `${line}\n`);
  },
  "answers-what-nobody-asked": () => {
    for (const id of [1, 2, 3]) send({ type: "result", id, ok: true, output: "mine" });
  },
  leaks: () => {
    setInterval(() => kept.push(Buffer.alloc(8 * 2 ** 20, 1)), 20);
  },
  "beats-too-often": () => {
    for (let count = 0; count < 100; count += 1) beat();
  },
  "reports-often": () => {
    for (let count = 0; count < 10; count += 1) {
      send({ type: "report", goalId: "goal", text: String(count), done: false });
    }
  },
  "admits-errors": () => beat({ toolErrors: 5 }),
  "asks-too-much": () => {
    for (let id = 1; id <= 100; id += 1) send({ type: "ask", id, tool: "echo", input: id });
  },
  asks: () => {
    send({ type: "ask", id: 1, tool: "echo", input: "please", goalId: "goal" });
    send({ type: "propose", id: 2, patch: "diff", title: "Better" });
  },
};

async function perform({ tool: name, input }) {
  if (name === "look") return await look(input);
  if (behaviour === "answers-wrong") return { not: input };
  if (behaviour === "answers-late") await new Promise((resolve) => setTimeout(resolve, 400));
  return input;
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.type === "start" && behaviour !== "never-ready") {
    const protocol = behaviour === "speaks-another-version" ? 99 : 1;
    send({ type: "ready", protocol, tools: ["echo", "look"].map(tool) });
    if (behaviour !== "loses-heart") setInterval(() => beat(), message.heartbeatMs);
    afterReady[behaviour]?.();
  }
  if (message.type === "perform") {
    void perform(message).then((output) =>
      send({ type: "result", id: message.id, ok: true, output }),
    );
  }
  if (message.type === "answer") {
    const text = JSON.stringify(message);
    send({ type: "report", goalId: "goal", text, done: true });
  }
  if (message.type === "stop" && behaviour !== "ignores-stop") process.exit(0);
}
// The kernel is gone.
if (behaviour === "ignores-stop") setInterval(() => undefined, 1000);

/** Tries to reach what belongs to the host: each attempt with "reached" or the refusal. */
async function look(decoys) {
  const connect = (options) =>
    new Promise((resolve, reject) => {
      const socket = net.connect(options, () => resolve(socket.destroy()));
      socket.once("error", reject);
    });
  const attempts = {
    kernelEnvironment: () => readFileSync(`/proc/${decoys.kernelPid}/environ`),
    kernelMemory: () => readFileSync(`/proc/${decoys.kernelPid}/maps`),
    signalKernel: () => process.kill(decoys.kernelPid, 0),
    token: () => readFileSync(decoys.token),
    stateDirectory: () => readdirSync(decoys.stateDirectory),
    databaseSocket: () => connect({ path: decoys.databaseSocket }),
    forge: () => connect({ port: decoys.forgePort, host: "127.0.0.1" }),
    controlApi: () => connect({ port: decoys.apiPort, host: "127.0.0.1" }),
    abstractSocket: () => connect({ path: decoys.abstractSocket }),
    writeRelease: () => writeFileSync("/ws/planted", "x"),
    writeProgram: () => writeFileSync("/ws/body.mjs", "x"),
    writeDependencies: () => writeFileSync("/ws/node_modules/planted", "x"),
  };
  // The kernel's system ignores it: the first process of a namespace is killed from outside only.
  process.kill(1, "SIGKILL");
  const report = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    report[name] = await Promise.resolve()
      .then(attempt)
      .then(() => "reached")
      .catch((error) => `refused: ${error.code ?? error.message}`);
  }
  const texts = readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => [Number(pid), readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]]);
  return {
    report,
    processes: texts,
    environment: process.env,
    network: readFileSync("/proc/net/dev", "utf8").split("\n").length - 3,
  };
}
