import type { JarvisDatabase, SqlClient } from "@jarvis/db";
import { drizzle } from "drizzle-orm/postgres-js";
import type { Life } from "./life.ts";

type Query = PromiseLike<unknown> & { readonly values: () => PromiseLike<unknown> };
type Begin = (...given: unknown[]) => Promise<unknown>;
type InTransaction = (transaction: SqlClient) => unknown;

/** The database as a life sees it: each statement, and each end of a transaction, is a point. */
export function databaseOf(life: Life, client: SqlClient): JarvisDatabase {
  return drizzle({ client: watchClient(life, client) }) as unknown as JarvisDatabase;
}

function watchClient(life: Life, client: SqlClient): SqlClient {
  const scoped =
    (begin: Begin, what: string) =>
    async (...given: unknown[]): Promise<unknown> => {
      const work = given.pop() as InTransaction;
      return await life.ask(
        what,
        async () =>
          await begin(...given, async (transaction: SqlClient) =>
            work(watchClient(life, transaction)),
          ),
      );
    };
  return new Proxy(client, {
    get(of, name) {
      const found: unknown = Reflect.get(of, name);
      if (name === "unsafe") {
        return (text: string, ...more: never[]) =>
          watchQuery(life, nameOfStatement(text), () => of.unsafe(text, ...more));
      }
      if (name === "begin") return scoped(found as Begin, "database commit");
      if (name === "savepoint") return scoped(found as Begin, "database savepoint");
      return found;
    },
  });
}

/** A query is sent when it is waited for, as the driver's own. */
function watchQuery(life: Life, name: string, send: () => Query): Query {
  const values = (): PromiseLike<unknown> => lazily(life, name, () => send().values());
  return Object.assign(lazily(life, name, send), { values });
}

function lazily(life: Life, name: string, send: () => PromiseLike<unknown>): PromiseLike<unknown> {
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- drizzle awaits what the driver answers
    then: async (onDone, onError) => await life.ask(name, send).then(onDone, onError),
  };
}

function nameOfStatement(text: string): string {
  const [verb = "", ...rest] = text.trim().toLowerCase().split(/\s+/);
  const table = /(?:into|update|from)\s+"?([a-z_.]+)"?/.exec([verb, ...rest].join(" "))?.[1] ?? "";
  return `database ${verb} ${table}`.trim();
}
