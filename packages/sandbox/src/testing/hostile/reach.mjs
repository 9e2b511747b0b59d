// Hostile on purpose, for tests: tries to read and reach what belongs to the host, all of it decoys.
// argv[2]: JSON with what the decoys are. Prints JSON: each attempt with "reached" or the refusal.
import dgram from "node:dgram";
import { resolve4 } from "node:dns/promises";
import { readFileSync, readdirSync } from "node:fs";
import net from "node:net";
import os from "node:os";

const decoys = JSON.parse(process.argv[2]);

const connect = (options) =>
  new Promise((resolve, reject) => {
    const socket = net.connect(options, () => resolve(socket.destroy()));
    socket.once("error", reject);
  });

const datagram = (port) =>
  new Promise((resolve, reject) => {
    const socket = dgram.createSocket("udp4");
    socket.once("message", resolve);
    socket.once("error", reject);
    socket.send("hello", port, "127.0.0.1");
    setTimeout(() => reject(new Error("no answer")), 300);
  });

const everyProcess = (file) => {
  const found = readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, "utf8").includes(decoys.secret);
      } catch {
        return false;
      }
    });
  if (!found) throw new Error("not found");
};

// In a container the host's number may be one of ours.
const hostPid = () => {
  if (decoys.hostPid < 64) throw new Error("cannot be told from ours");
  return decoys.hostPid;
};

const attempts = {
  secretFile: () => readFileSync(decoys.secretFile),
  secretThroughLink: () => readFileSync("/ws/link-to-secret"),
  shadow: () => readFileSync("/etc/shadow"),
  hostRoot: () => readdirSync("/root"),
  hostname: () => {
    if (os.hostname() !== decoys.hostname) throw new Error("another one");
  },
  environment: () => {
    if (!JSON.stringify(process.env).includes(decoys.secret)) throw new Error("not in it");
  },
  environmentOfAnyProcess: () => everyProcess("environ"),
  commandLineOfAnyProcess: () => everyProcess("cmdline"),
  hostProcess: () => readFileSync(`/proc/${hostPid()}/environ`),
  killHostProcess: () => process.kill(hostPid(), 0),
  loopback4: () => connect({ port: decoys.port4, host: "127.0.0.1" }),
  loopback6: () => connect({ port: decoys.port6, host: "::1" }),
  udp: () => datagram(decoys.udpPort),
  abstractSocket: () => connect({ path: `\0${decoys.abstractName}` }),
  pathSocket: () => connect({ path: decoys.socketPath }),
  outerNetwork: () => connect({ port: 53, host: "192.0.2.1" }),
  nameService: () => resolve4("example.com"),
  otherInterfaces: () => {
    const others = Object.values(os.networkInterfaces())
      .flat()
      .filter((one) => !one.internal);
    if (others.length === 0) throw new Error("none");
  },
  git: () => readdirSync("/ws/.git"),
};

const report = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    await attempt();
    report[name] = "reached";
  } catch (error) {
    report[name] = `refused: ${error.code ?? error.message}`;
  }
}
process.stdout.write(JSON.stringify(report));
process.exit(0);
