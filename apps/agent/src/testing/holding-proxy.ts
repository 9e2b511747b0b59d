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
  /** The same, at the next mutation of that path. */
  holdAt(path: RegExp, when: "before" | "after"): Promise<void>;
  /** Lets everything through again, and what was held as well. */
  forward(): void;
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
  let held: {
    isIt: (index: number, path: string) => boolean;
    when: "before" | "after";
    reached: () => void;
  } | null = null;
  let seen = 0;
  let goOn: (() => void)[] = [];

  /** Answers whether the world stops here; `next` is what comes after. */
  const isHeld = (
    [index, path]: readonly [index: number, path: string],
    when: "before" | "after",
    next: () => void,
  ): boolean => {
    if (held?.when !== when || !held.isIt(index, path)) return false;
    goOn.push(next);
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
      const forward = (): void => {
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
              const reply = (): void => {
                const { "transfer-encoding": _, ...headers } = answer.headers;
                outgoing.writeHead(answer.statusCode ?? 502, headers);
                outgoing.end(Buffer.concat(parts));
              };
              if (isMutation && isHeld([index, path], "after", reply)) return;
              reply();
            });
          },
        );
        forwarded.on("error", () => outgoing.destroy());
        forwarded.end(Buffer.concat(chunks));
      };
      if (isMutation && isHeld([index, path], "before", forward)) return;
      forward();
    });
  }

  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mutations,
    async hold(index, when) {
      seen = 0;
      const isIt = (at: number): boolean => at === index;
      await new Promise<void>((resolve) => (held = { isIt, when, reached: resolve }));
    },
    async holdAt(path, when) {
      const isIt = (_: number, at: string): boolean => path.test(at);
      await new Promise<void>((resolve) => (held = { isIt, when, reached: resolve }));
    },
    release() {
      held = null;
      seen = 0;
      goOn = [];
    },
    forward() {
      held = null;
      seen = 0;
      for (const next of goOn.splice(0)) next();
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
