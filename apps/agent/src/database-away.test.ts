import { spawn } from "node:child_process";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestDatabase, type TestDatabase } from "@jarvis/db/testing";
import { removeTree } from "@jarvis/sandbox/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "./testing/kernel-program.ts";
import { plainProject, type TestRepository } from "./testing/repository.ts";

const LAUNCHER = fileURLToPath(new URL("../dist/launcher.js", import.meta.url));
let repository: TestRepository;
let database: TestDatabase;
let way: Way;

beforeAll(async () => {
  repository = plainProject();
  database = await createTestDatabase();
  way = await openWay(database.adminUrl);
});

afterAll(async () => {
  way.close();
  await database.close();
  repository.remove();
});

it("a database that goes away and comes back is waited for, with a line, and the kernel serves again", async () => {
  const stateDir = join(repository.directory, ".jarvis");
  const places = [
    "--repo",
    repository.directory,
    "--state-dir",
    stateDir,
    "--port",
    "0",
    "--wait-ms",
    "200",
  ];
  const launcher = spawn(process.execPath, [LAUNCHER, ...places], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", DATABASE_URL: way.url },
  });
  let said = "";
  let warned = "";
  launcher.stdout.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
  launcher.stderr.on("data", (chunk: Buffer) => (warned += chunk.toString("utf8")));
  const ended = new Promise<number | null>((resolve) => launcher.once("close", resolve));
  const served = (): number => said.match(/"ready":true/g)?.length ?? 0;
  try {
    await until(() => (served() === 1 ? true : null));
    way.close();
    // More often than one that crashes would be started.
    await until(() =>
      (warned.match(/cannot run now \(database-unreachable\)/g)?.length ?? 0) > 3 ? true : null,
    );
    await way.open();
    await until(() => (served() === 2 ? true : null));
    expect(warned).not.toContain("left out");
  } finally {
    launcher.kill("SIGTERM");
    expect(await ended).toBe(0);
    removeTree(stateDir);
  }
});

interface Way {
  readonly url: string;
  open(): Promise<void>;
  /** Nobody listens there any more, and who was connected is cut off. */
  close(): void;
}

/** The way to a database server, at a port of its own that stays the same. */
async function openWay(databaseUrl: string): Promise<Way> {
  const target = new URL(databaseUrl);
  const socketPath = join(target.searchParams.get("host") ?? "", ".s.PGSQL.5432");
  const sockets = new Set<Socket>();
  let server: Server;
  let port = 0;
  const open = async (): Promise<void> => {
    server = createServer((incoming) => {
      const outgoing = connect(socketPath);
      for (const socket of [incoming, outgoing]) {
        sockets.add(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => {
          incoming.destroy();
          outgoing.destroy();
        });
      }
      incoming.pipe(outgoing).pipe(incoming);
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
  };
  await open();
  const url = new URL(databaseUrl);
  url.search = "";
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.toString(),
    open,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
