import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Mutation {
  readonly method: string;
  readonly path: string;
}

export interface HoldingProxy {
  readonly url: string;
  readonly mutations: Mutation[];
  /** Stops at the given mutation, counted from now, before it is forwarded or before its answer is. */
  hold(index: number, when: "before" | "after"): Promise<void>;
  /** Lets everything through again; what was held is dropped, as its asker is gone. */
  release(): void;
  close(): Promise<void>;
}

/**
 * An HTTP proxy between a kernel and a repository host that can stop the world at a mutation, so that
 * a test kills the kernel exactly there. The host sees its own name, so it does not notice.
 */
export async function startHoldingProxy(target: { port: number }): Promise<HoldingProxy> {
  const mutations: Mutation[] = [];
  let held: { index: number; when: "before" | "after"; reached: () => void } | null = null;
  let seen = 0;

  const isHeld = (index: number, when: "before" | "after"): boolean => {
    if (held?.index !== index || held.when !== when) return false;
    held.reached();
    return true;
  };

  function serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const path = incoming.url ?? "/";
      // git's own protocol posts to read, too.
      const isMutation = incoming.method !== "GET" && !path.includes("/git-upload-pack");
      const index = isMutation ? seen : -1;
      if (isMutation) {
        seen += 1;
        mutations.push({ method: incoming.method ?? "", path: path.split("?")[0] ?? "" });
      }
      if (isMutation && isHeld(index, "before")) return;
      const forwarded = request(
        {
          host: "127.0.0.1",
          port: target.port,
          method: incoming.method,
          path,
          headers: { ...incoming.headers, host: `127.0.0.1:${target.port}` },
        },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => parts.push(chunk));
          answer.on("end", () => {
            if (isMutation && isHeld(index, "after")) return;
            const { "transfer-encoding": _, ...headers } = answer.headers;
            outgoing.writeHead(answer.statusCode ?? 502, headers);
            outgoing.end(Buffer.concat(parts));
          });
        },
      );
      forwarded.on("error", () => outgoing.destroy());
      forwarded.end(Buffer.concat(chunks));
    });
  }

  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mutations,
    async hold(index, when) {
      seen = 0;
      await new Promise<void>((resolve) => (held = { index, when, reached: resolve }));
    },
    release() {
      held = null;
      seen = 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
