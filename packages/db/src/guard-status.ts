import { z } from "zod";
import type { SqlClient } from "./connection.ts";
import { DatabaseError } from "./errors.ts";
import { ddlGuardSql } from "./setup/ddl-guard.ts";

/**
 * `enforced`: rows and DDL of the ledger are both refused by the database.
 * `owner-ddl-unguarded`: rows are refused, but the owner of the tables could take the guard off.
 */
export type LedgerGuard = "enforced" | "owner-ddl-unguarded";

const GuardFacts = z.array(
  z.object({ rowTriggers: z.number(), eventTriggers: z.number(), runtimeOwns: z.boolean() }),
);

/**
 * Looks at the catalogue, every time: what guards the ledger now, not what set-up once installed.
 * @throws DatabaseError `ledger-guard-missing` when rows of the ledger could be changed.
 */
export async function readLedgerGuard(
  runtime: SqlClient,
): Promise<{ ledgerGuard: LedgerGuard; ledgerGuardSql: string | null }> {
  const rows = await runtime`
    select
      (select count(*)::int from pg_trigger t
        join pg_proc p on p.oid = t.tgfoid
        where t.tgrelid = 'public.self_extension_events'::regclass and t.tgenabled = 'A'
          and p.pronamespace = 'jarvis_guard'::regnamespace
          and (t.tgname, p.proname) in (
            ('jarvis_guard_rows', 'refuse_change'),
            ('jarvis_guard_truncate', 'refuse_change'),
            ('zz_jarvis_guard_insert', 'number_self_extension_event')
          )) as "rowTriggers",
      (select count(*)::int from pg_event_trigger e
        join pg_roles owner on owner.oid = e.evtowner
        where e.evtenabled = 'A' and owner.rolsuper
          and (e.evtname, e.evtevent) in (
            ('jarvis_guard_ddl', 'ddl_command_end'),
            ('jarvis_guard_drop', 'sql_drop'),
            ('jarvis_guard_rewrite', 'table_rewrite')
          )) as "eventTriggers",
      (select pg_get_userbyid(relowner) = current_user from pg_class
        where oid = 'public.self_extension_events'::regclass) as "runtimeOwns"`;
  const [facts] = GuardFacts.parse(rows);
  if (facts === undefined || facts.rowTriggers !== 3 || facts.runtimeOwns) {
    throw new DatabaseError(
      "ledger-guard-missing",
      `The append-only guard of self_extension_events is not in place (expected 3 triggers and another owner, got ${facts?.rowTriggers ?? 0} and ${facts?.runtimeOwns === true ? "the runtime role" : "another owner"}): restore the database from a backup before trusting its ledger.`,
    );
  }
  return facts.eventTriggers === 3
    ? { ledgerGuard: "enforced", ledgerGuardSql: null }
    : { ledgerGuard: "owner-ddl-unguarded", ledgerGuardSql: ddlGuardSql };
}
