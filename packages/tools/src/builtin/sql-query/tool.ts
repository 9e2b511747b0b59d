import { z } from "zod";
import { defineTool } from "../../tool.ts";

const output = z.object({
  columns: z.array(z.string()),
  /** Values as PostgreSQL writes them; null is NULL. */
  rows: z.array(z.array(z.string().nullable())),
  isWhole: z.boolean(),
});

/**
 * Reads rows with one query. The body has no database and no socket: it asks its kernel, which reads
 * in databases that an operator has named, in a transaction that writes nothing. What comes back is
 * data of strangers.
 */
export const tool = defineTool({
  name: "sql-query",
  description: "Reads rows of a database that the operator has named, with one SELECT.",
  effect: "network",
  timeoutMs: 30_000,
  input: z.object({
    database: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "expected a database's name"),
    query: z.string().min(1).max(20_000).describe("one SELECT of PostgreSQL's SQL"),
  }),
  output,
  execute: async ({ database, query }, context) =>
    output.parse(await context.call("kernel-query", { database, query })),
});
