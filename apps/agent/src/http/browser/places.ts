/**
 * Where the kernel is reached: the `Host` of a request and the origin that a page of it has. A name
 * that is not among them may be one that somebody else pointed at this machine (DNS rebinding).
 */
export class Places {
  readonly #port: () => number;
  readonly #listen: string;
  readonly #publicUrl: URL | null;

  constructor(options: { port: () => number; listen: string; publicUrl: string | undefined }) {
    this.#port = options.port;
    this.#listen = options.listen;
    this.#publicUrl = options.publicUrl === undefined ? null : new URL(options.publicUrl);
  }

  /** The origin of pages that this host serves; null for a host that is not ours. */
  originOf(host: string): string | null {
    if (host === this.#publicUrl?.host) return this.#publicUrl.origin;
    const names = new Set(["127.0.0.1", "localhost", urlHost(this.#listen)]);
    return [...names].some((name) => host === `${name}:${this.#port()}`) ? `http://${host}` : null;
  }

  isOurs(origin: string): boolean {
    return this.originOf(origin.replace(/^https?:\/\//, "")) === origin;
  }

  /** Where programs of this machine speak to the kernel. */
  get localUrl(): string {
    const isAny = this.#listen === "0.0.0.0" || this.#listen === "::";
    return `http://${isAny ? "127.0.0.1" : urlHost(this.#listen)}:${this.#port()}`;
  }

  /** What a person opens. */
  get pageUrl(): string {
    return this.#publicUrl?.origin ?? this.localUrl;
  }
}

/** An address as it stands in a URL. */
export function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
