import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { once } from "node:events";

import { describe, expect, it, onTestFinished } from "vitest";

import { runInSandbox } from "./sandbox.ts";
import { makeWorld } from "./testing/world.ts";

describe("what belongs to the host", () => {
  it("is out of reach, by every way tried", async () => {
    const world = makeWorld();
    const secret = `secret-${randomBytes(8).toString("hex")}`;
    const secretFile = path.join(world.root, "secret.txt");
    writeFileSync(secretFile, secret, { mode: 0o644 });
    symlinkSync(secretFile, path.join(world.workspace, "link-to-secret"));
    process.env["JARVIS_TEST_SECRET"] = secret;
    onTestFinished(() => void delete process.env["JARVIS_TEST_SECRET"]);
    const abstractName = `jarvis-${secret}`;
    const socketPath = path.join(os.tmpdir(), `${secret}.sock`);
    const decoys = {
      secret,
      secretFile,
      abstractName,
      socketPath,
      hostname: os.hostname(),
      hostPid: process.pid,
      port4: await listen({ port: 0, host: "127.0.0.1" }),
      port6: await listen({ port: 0, host: "::1" }),
      udpPort: await answerDatagrams(),
    };
    await listen({ path: `\0${abstractName}` });
    await listen({ path: socketPath });
    // The decoys are real: the host reaches each of them.
    expect(await reaches({ port: decoys.port4, host: "127.0.0.1" })).toBe(true);
    expect(await reaches({ port: decoys.port6, host: "::1" })).toBe(true);
    expect(await reaches({ path: `\0${abstractName}` })).toBe(true);
    expect(await reaches({ path: socketPath })).toBe(true);

    // By a file, because the program looks for the secret in every command line, its own included.
    world.write("decoys.json", JSON.stringify(decoys));
    world.write(
      "start.mjs",
      'import fs from "node:fs"; process.argv[2] = fs.readFileSync("/ws/decoys.json", "utf8"); await import("/ws/reach.mjs");',
    );
    const result = await runInSandbox({
      argv: ["node", "start.mjs"],
      workspace: world.workspace,
    });

    expect(result).toMatchObject({ outcome: "exited", exitCode: 0 });
    const report: unknown = JSON.parse(result.stdout);
    expect(Object.values(report as Record<string, string>)).toHaveLength(19);
    for (const [attempt, answer] of Object.entries(report as Record<string, string>)) {
      expect([attempt, answer]).toEqual([attempt, expect.stringContaining("refused: ")]);
    }
  });

  it("is there when it was mounted", async () => {
    const world = makeWorld();
    const secretFile = path.join(world.root, "note.txt");
    writeFileSync(secretFile, "a note", { mode: 0o600 });

    const result = await runInSandbox({
      argv: ["cat", "/in/note.txt"],
      workspace: world.workspace,
      mounts: [{ kind: "ro", source: secretFile, target: "/in/note.txt" }],
    });

    expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stdout: "a note" });
  });

  it("keeps two sandboxes from each other's loopback and processes", async () => {
    const world = makeWorld();
    const listening = runInSandbox({
      argv: [
        "node",
        "-e",
        "require('net').createServer().listen(4567, () => setTimeout(process.exit, 700))",
      ],
      workspace: world.workspace,
    });
    const other = await runInSandbox({
      argv: [
        "node",
        "-e",
        "setTimeout(() => require('net').connect(4567, '127.0.0.1').on('error', (e) => { console.log(e.code); }), 200)",
      ],
      workspace: world.workspace,
    });
    expect(other.stdout).toBe("ECONNREFUSED\n");
    expect(await listening).toMatchObject({ outcome: "exited", exitCode: 0 });
  });
});

describe("writing", () => {
  it("works where it was granted and nowhere else", async () => {
    const world = makeWorld();
    world.write("data.txt", "data");
    mkdirSync(path.join(world.workspace, "cache"));
    mkdirSync(path.join(world.workspace, "deps"));
    const sibling = path.join(world.root, "sibling");
    const dependencies = path.join(world.root, "deps");
    mkdirSync(sibling, { mode: 0o777 });
    mkdirSync(dependencies);
    symlinkSync(sibling, path.join(world.workspace, "link-to-sibling"));

    const result = await runInSandbox({
      argv: ["node", "write.mjs", JSON.stringify({ sibling })],
      workspace: world.workspace,
      mounts: [
        { kind: "ro", source: dependencies, target: "/ws/deps" },
        { kind: "tmpfs", target: "/ws/cache", sizeBytes: 1024 * 1024 },
        { kind: "rw", source: world.out, target: "/out" },
      ],
    });

    const report = JSON.parse(result.stdout) as Record<string, string>;
    const granted = ["output", "scratch", "home", "sharedMemory", "scratchInWorkspace"];
    for (const [attempt, answer] of Object.entries(report)) {
      const wanted = granted.includes(attempt) ? /: written$/ : /: refused: E/;
      expect(`${attempt}: ${answer}`).toMatch(wanted);
    }
    expect(Object.keys(report)).toHaveLength(22);
    expect(readdirSync(sibling)).toEqual([]);
    expect(readdirSync(dependencies)).toEqual([]);
    expect(readdirSync(world.out)).toEqual(["mine"]);
    expect(readFileSync(path.join(world.workspace, "data.txt"), "utf8")).toBe("data");
    expect(existsSync(path.join(world.workspace, "planted"))).toBe(false);
  });

  it("leaves nothing of root's behind, and no rights to gain", async () => {
    const world = makeWorld();
    const result = await runInSandbox({
      argv: [
        "sh",
        "-c",
        "cp /usr/bin/id /out/id && chmod 4755 /out/id && /out/id -u; unshare --user true; unshare --mount true; mount -t tmpfs none /tmp; chown 0 /out/id; mknod /tmp/null c 1 3; kill -9 1; echo alive; grep -E 'NoNewPrivs|Seccomp:|CapEff' /proc/self/status",
      ],
      workspace: world.workspace,
      mounts: [{ kind: "rw", source: world.out, target: "/out" }],
    });
    expect(result.stdout.replaceAll("\t", " ").split("\n")).toEqual([
      "1000",
      "alive",
      "CapEff: 0000000000000000",
      "NoNewPrivs: 1",
      "Seccomp: 2",
      "",
    ]);
    for (const refused of ["unshare failed", "must be superuser", "chown", "mknod"]) {
      expect(result.stderr).toContain(refused);
    }
  });
});

async function listen(where: net.ListenOptions): Promise<number> {
  const server = net.createServer((socket) => socket.destroy());
  server.listen(where);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function answerDatagrams(): Promise<number> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (message, from) => socket.send(message, from.port, from.address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return socket.address().port;
}

function reaches(where: net.NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(where, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
