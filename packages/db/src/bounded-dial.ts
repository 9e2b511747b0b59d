import { connect as dial, type Socket } from "node:net";

/** How often it is looked how much has come: a fast server sends some megabytes in between. */
const LOOK_MS = 10;

interface Target {
  readonly path: string | false | undefined;
  readonly host: readonly string[];
  readonly port: readonly number[];
}

/**
 * Dials for a client that reads whole messages, however long: a single value or the text of an error
 * may be a gigabyte. The connection is cut when more has come than may, and when the time is over.
 */
export class BoundedDial {
  readonly #limitBytes: number;
  readonly #ended: AbortSignal;
  readonly #sockets: Socket[] = [];
  #clock: NodeJS.Timeout | undefined;
  isFull = false;

  constructor(limitBytes: number, ended: AbortSignal) {
    this.#limitBytes = limitBytes;
    this.#ended = ended;
    ended.addEventListener("abort", this.close, { once: true });
  }

  /** A connected socket, for the `socket` of postgres.js. */
  readonly open = async ({ path, host, port }: Target): Promise<Socket> => {
    this.#ended.throwIfAborted();
    const at = typeof path === "string" ? { path } : { host: host[0], port: port[0] ?? 5432 };
    const socket = dial(at);
    this.#sockets.push(socket);
    this.#clock ??= setInterval(() => this.#look(), LOOK_MS);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed")));
    });
    // By its name the client knows whose certificate it should see.
    return Object.assign(socket, { host: host[0] });
  };

  readonly close = (): void => {
    clearInterval(this.#clock);
    this.#ended.removeEventListener("abort", this.close);
    for (const socket of this.#sockets) socket.destroy();
  };

  #look(): void {
    const bytes = this.#sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);
    if (bytes <= this.#limitBytes) return;
    this.isFull = true;
    this.close();
  }
}
