import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";

export interface CuttingProxy {
  /** The database, reached through this proxy. */
  readonly url: string;
  /** From now on nothing is forwarded and nothing is closed: the network is gone. */
  cut(): void;
  /** New connections are forwarded again; those that were cut stay so. */
  mend(): void;
  close(): Promise<void>;
}

/** A TCP proxy on loopback in front of a database server on a unix socket. */
export async function startCuttingProxy(databaseUrl: string): Promise<CuttingProxy> {
  const target = new URL(databaseUrl);
  const socketPath = join(target.searchParams.get("host") ?? "", ".s.PGSQL.5432");
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((incoming) => {
    const outgoing = connect(socketPath);
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    if (isCut) return;
    incoming.pipe(outgoing);
    outgoing.pipe(incoming);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(databaseUrl);
  url.search = "";
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.toString(),
    cut() {
      isCut = true;
      for (const socket of sockets) socket.unpipe();
      for (const socket of sockets) socket.pause();
    },
    mend() {
      isCut = false;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
