import type { Fault, FaultOrder } from "./fault.ts";

export interface Call {
  method: string;
  path: string;
  /** Undefined for git over HTTP and for what the forge does not serve. */
  operation: string | undefined;
  login: string;
}

interface Ordered {
  id: number;
  order: FaultOrder;
  pattern: RegExp | undefined;
  /** Calls that matched, and those of them that were disturbed. */
  seen: number;
  fired: number;
}

/** Which faults are ordered, and how far each of them is. */
export class FaultPlan {
  readonly #ordered: Ordered[] = [];
  #lastId = 0;

  order(order: FaultOrder): number {
    const { path } = order.match;
    this.#lastId += 1;
    this.#ordered.push({
      id: this.#lastId,
      order,
      pattern: path === undefined ? undefined : toPattern(path),
      seen: 0,
      fired: 0,
    });
    return this.#lastId;
  }

  list(): { id: number; order: FaultOrder; seen: number; fired: number }[] {
    return this.#ordered.map(({ id, order, seen, fired }) => ({ id, order, seen, fired }));
  }

  clear(): void {
    this.#ordered.length = 0;
  }

  /** Counts the call for every order it matches, and answers what is to happen to it. */
  take(call: Call): Fault[] {
    const due: Fault[] = [];
    for (const each of this.#ordered) {
      if (!matches(each, call)) continue;
      each.seen += 1;
      const { nth, times } = each.order.match;
      if (each.seen < nth || each.seen >= nth + times) continue;
      each.fired += 1;
      due.push(each.order.fault);
    }
    return due;
  }
}

function matches({ order, pattern }: Ordered, call: Call): boolean {
  const { match, fault } = order;
  if (fault.kind === "stale-read" && call.method !== "GET" && call.method !== "HEAD") return false;
  return (
    (match.operation === undefined || match.operation === call.operation) &&
    (match.login === undefined || match.login === call.login) &&
    (match.method === undefined || match.method === call.method) &&
    (pattern === undefined || pattern.test(call.path))
  );
}

function toPattern(path: string): RegExp {
  const source = path.replace(/\*\*|\*|\{\w+\}|[^*{]+|\{/gu, (part) => {
    if (part === "**") return ".*";
    if (part === "*" || /^\{\w+\}$/u.test(part)) return "[^/]+";
    return part.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&");
  });
  return new RegExp(`^${source}$`, "u");
}
