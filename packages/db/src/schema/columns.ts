import { sql } from "drizzle-orm";
import { timestamp } from "drizzle-orm/pg-core";

/** A column that holds an instant, in UTC and with its time zone. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/** The condition that a column, or an expression of one, is a word of a closed set. */
export const oneOf = (column: string, words: readonly string[]) =>
  sql.raw(`${column} in (${words.map((word) => `'${word}'`).join(", ")})`);
