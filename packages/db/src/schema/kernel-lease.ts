import { sql } from "drizzle-orm";
import { bigint, boolean, check, integer, jsonb, pgTable } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/**
 * Which kernel leads on a database that several share: one row, and none where the database is one
 * kernel's own. Each leadership has an epoch, one higher than the one before.
 *
 * Sessions of a leading kernel say their epoch (`jarvis.epoch`). A trigger on every table that a
 * kernel writes refuses a session of an epoch that is over, and the database lets nobody take the
 * lease before it ran out or was given back. Time is the database's.
 */
export const kernelLease = pgTable(
  "kernel_lease",
  {
    id: boolean().primaryKey().default(true),
    epoch: bigint({ mode: "number" }).notNull(),
    /** Who leads: see `LeaseHolder` in `kernel-lease.ts`. */
    holder: jsonb().$type<Record<string, unknown>>().notNull(),
    /** Who led before, where somebody did. */
    previous: jsonb().$type<Record<string, unknown>>(),
    ttlMs: integer("ttl_ms").notNull(),
    since: instant("since").notNull().defaultNow(),
    renewedAt: instant("renewed_at").notNull().defaultNow(),
    /** Given back in order: nobody leads. */
    isReleased: boolean("is_released").notNull().default(false),
  },
  () => [
    check("kernel_lease_one_row", sql.raw("id")),
    check("kernel_lease_ttl", sql.raw("ttl_ms between 1000 and 600000")),
    check("kernel_lease_holder_size", sql.raw("octet_length(holder::text) <= 4096")),
  ],
);
