import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { keepMisbehaving } from "../../testing/kept-body.ts";

interface Look {
  report: Record<string, string>;
  processes: [number, string][];
  environment: Record<string, string>;
  network: number;
}

it("a body reaches nothing of the kernel's, and changes nothing of its release", async () => {
  const { keeper, seen } = keepMisbehaving("looks around");
  await keeper.ready();
  const stateDirectory = mkdtempSync(join(tmpdir(), "jarvis-state-"));
  onTestFinished(() => rmSync(stateDirectory, { recursive: true, force: true }));
  const token = join(stateDirectory, "token");
  // Readable by everyone, so that it is the sandbox that keeps it.
  writeFileSync(token, "secret", { mode: 0o644 });
  mkdirSync(join(stateDirectory, "run"));
  const databaseSocket = join(stateDirectory, "run", ".s.PGSQL.5432");
  const forgePort = await listen({ port: 0, host: "127.0.0.1" });
  const apiPort = await listen({ port: 0, host: "127.0.0.1" });
  // Lies in no directory, so that nothing but a namespace keeps it.
  const abstractSocket = `\0jarvis-isolation-${process.pid}`;
  await listen({ path: databaseSocket });
  await listen({ path: abstractSocket });
  const decoys = {
    kernelPid: process.pid,
    token,
    stateDirectory,
    databaseSocket,
    abstractSocket,
    forgePort,
    apiPort,
  };
  // All of it is there for whoever is not in the sandbox.
  expect(readFileSync(token, "utf8")).toBe("secret");
  expect(readFileSync(`/proc/${process.pid}/environ`).length).toBeGreaterThan(0);
  await reach({ path: databaseSocket });
  await reach({ path: abstractSocket });
  for (const port of [forgePort, apiPort]) await reach({ port, host: "127.0.0.1" });

  const looked = await keeper.perform("look", decoys);
  if (!looked.ok) throw new Error(looked.error.message);
  const { report, processes, environment, network } = looked.output as unknown as Look;
  for (const [attempt, answer] of Object.entries(report)) {
    expect(`${attempt}: ${answer}`).toMatch(/: refused: E[A-Z]+$/);
  }
  expect(Object.keys(report)).toHaveLength(12);
  // The namespace's first process, and the body itself.
  expect(processes.map(([, program]) => program.split("/").at(-1))).toEqual(["bwrap", "node"]);
  expect(Object.keys(environment).sort()).toEqual(
    ["CI", "HOME", "LANG", "PATH", "PWD", "TMPDIR"].sort(),
  );
  expect(network).toBe(1);
  expect(existsSync(join(keeper.release.directory, "planted"))).toBe(false);
  expect(seen("exited")).toEqual([]);
});

async function listen(where: net.ListenOptions): Promise<number> {
  const server = net.createServer((socket) => socket.destroy());
  server.listen(where);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function reach(where: net.NetConnectOpts): Promise<void> {
  const socket = net.connect(where);
  await once(socket, "connect");
  socket.destroy();
}
