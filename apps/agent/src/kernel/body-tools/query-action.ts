import { readFile } from "node:fs/promises";
import { queryReadOnly, type QueryAnswer, type QueryLimits } from "@jarvis/db";
import { defineAction, type ActionDefinition } from "@jarvis/operator-core";
import { z } from "zod";

export const QUERY_DATABASE = "query_database";

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "expected a database's name");
const parameters = z.strictObject({ database: name, query: z.string().min(1).max(20_000) });

/** Names of databases and the URLs of logins that may read in them. */
const databases = z.record(name, z.url({ protocol: /^postgres(ql)?$/ }));

/** What comes back has to fit a line of the body's channel. */
const limits: QueryLimits = { timeMs: 10_000, rows: 1_000, bytes: 100_000 };

/** A query that cannot be carried out as it is asked for; the sentence is for whoever asked. */
export class DatabaseUnknown extends Error {
  override readonly name = "DatabaseUnknown";
}

/**
 * A database for a body that has none: those that an operator named in a file, by the logins that they
 * gave them. The file is read at every query, so that a password can be changed under a running kernel.
 */
export function queryAction(file: string | null): ActionDefinition {
  return defineAction({
    name: QUERY_DATABASE,
    description: "reads rows of a named database for the body",
    parameters,
    effect: "network",
    risk: "low",
    needsApproval: false,
    // Reading twice is reading.
    idempotent: false,
    timeoutMs: limits.timeMs + 5_000,
    run: async ({ database, query }, { signal }): Promise<QueryAnswer> =>
      await queryReadOnly(await urlOf(file, database), query, limits, signal),
  });
}

async function urlOf(file: string | null, database: string): Promise<string> {
  const named = file === null ? {} : await readDatabases(file);
  const url = Object.hasOwn(named, database) ? named[database] : undefined;
  if (url !== undefined) return url;
  throw new DatabaseUnknown(
    `There is no database ${database} to be queried: the file of JARVIS_QUERY_FILE does not name it.`,
  );
}

/** What is wrong with it is not told: the reason would quote a URL with its password. */
async function readDatabases(file: string): Promise<z.infer<typeof databases>> {
  try {
    return databases.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    throw new DatabaseUnknown(
      `The file ${file} cannot be read: it has to be JSON with names and URLs, such as {"shop": "postgresql://reader:PASSWORD@host/shop"}.`,
    );
  }
}
