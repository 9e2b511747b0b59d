import { z } from "zod";
import { connect } from "./connection.ts";
import type { SqlClient } from "./connection.ts";
import { codeOf } from "./errors.ts";
import { roles } from "./setup/roles.ts";

/** Who leads, as others are told. */
export const leaseHolder = z.object({
  /** The machine's name and the process there. */
  host: z.string(),
  pid: z.number().int(),
  /** The state directory, told apart from every other: what lies in it was that kernel's. */
  directoryId: z.string(),
  /** Where its API answers; null before it does. */
  url: z.string().nullable(),
});
export type LeaseHolder = z.infer<typeof leaseHolder>;

const leaseRow = z.object({
  epoch: z.coerce.number().int().positive(),
  holder: leaseHolder,
  previous: leaseHolder.nullable(),
  isReleased: z.boolean(),
  /** Whether it may be taken: it has run out, or was given back. */
  isFree: z.boolean(),
});
export type KernelLease = z.infer<typeof leaseRow>;

/** What the triggers of `kernel_lease` answer to who is too late, or too early. */
const OVER = "JL001";
const HELD = "JL002";
const UNIQUE = "23505";

/** A client of its own for the lease: a busy pool must not cost the leadership. */
export function connectForLease(url: string): SqlClient {
  return connect(url, { max: 1, role: roles.runtime, applicationName: "jarvis lease" });
}

/** The lease as it stands; null where nobody ever led. */
export async function readLease(sql: SqlClient): Promise<KernelLease | null> {
  const rows = await sql`
    select epoch::text, holder, previous, is_released as "isReleased",
      is_released or renewed_at + ttl_ms * interval '1 millisecond' < clock_timestamp() as "isFree"
    from public.kernel_lease`;
  return rows[0] === undefined ? null : leaseRow.parse(rows[0]);
}

/**
 * Takes the lease where it is free, and waits for what the one before has under way in the database.
 * Of several that try at once one succeeds. Null where another leads.
 */
export async function takeLease(
  sql: SqlClient,
  holder: LeaseHolder,
  ttlMs: number,
): Promise<KernelLease | null> {
  const lease = await readLease(sql);
  if (lease !== null && !lease.isFree) return null;
  try {
    const rows =
      lease === null
        ? await sql`
          insert into public.kernel_lease (epoch, holder, ttl_ms)
          values (1, ${sql.json(holder)}, ${ttlMs}) returning epoch`
        : await sql`
          update public.kernel_lease
          set epoch = ${lease.epoch + 1}, holder = ${sql.json(holder)}, ttl_ms = ${ttlMs}
          where epoch = ${lease.epoch} returning epoch`;
    return rows.length === 0 ? null : await readLease(sql);
  } catch (error) {
    const code = codeOf(error);
    if (code === HELD || code === UNIQUE) return null;
    throw error;
  }
}

/** Renews a leadership; false where it is over. */
export async function renewLease(
  sql: SqlClient,
  epoch: number,
  holder: LeaseHolder,
): Promise<boolean> {
  return await ofEpoch(
    async () =>
      await sql`
      update public.kernel_lease set holder = ${sql.json(holder)}, renewed_at = now()
      where epoch = ${epoch} returning epoch`,
  );
}

/** Gives a leadership back, so that nobody has to wait until it runs out. */
export async function releaseLease(sql: SqlClient, epoch: number): Promise<boolean> {
  return await ofEpoch(
    async () =>
      await sql`
      update public.kernel_lease set is_released = true where epoch = ${epoch} returning epoch`,
  );
}

/**
 * For a kernel whose database is its own, by the lock on its state directory: whatever a dump of a
 * shared one says of leaders, there are none.
 */
export async function endLeases(sql: SqlClient): Promise<void> {
  await sql`update public.kernel_lease set is_released = true where not is_released`;
}

async function ofEpoch(change: () => Promise<readonly unknown[]>): Promise<boolean> {
  try {
    return (await change()).length > 0;
  } catch (error) {
    if (codeOf(error) === OVER) return false;
    throw error;
  }
}
