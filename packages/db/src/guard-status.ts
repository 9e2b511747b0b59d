import { z } from "zod";
import type { SqlClient } from "./connection.ts";
import { DatabaseError } from "./errors.ts";
import { ddlGuardSql } from "./setup/ddl-guard.ts";

/**
 * `enforced`: rows and DDL of the ledgers are both refused by the database.
 * `owner-ddl-unguarded`: rows are refused, but the owner of the tables could take the guard off.
 * `superuser-login`: the login that Jarvis runs with is a superuser, which nothing stops.
 */
export const ledgerGuards = ["enforced", "owner-ddl-unguarded", "superuser-login"] as const;
export type LedgerGuard = (typeof ledgerGuards)[number];

const LedgerFacts = z.array(
  z.object({
    ledger: z.string(),
    wantedTriggers: z.number(),
    rowTriggers: z.number(),
    runtimeOwns: z.boolean(),
  }),
);
const DdlFacts = z.tuple([z.object({ eventTriggers: z.number(), superuserLogin: z.boolean() })]);

/** What gives Jarvis a login of its own: run by an administrator, who chooses the password. */
const ownLoginSql = `create role jarvis_app login password 'CHOOSE ONE';
grant jarvis_runtime to jarvis_app;
-- Then DATABASE_URL names jarvis_app, and JARVIS_DATABASE_ADMIN_URL the login of before.`;

/** What pg_trigger's `tgtype` is made of (catalog/pg_trigger.h). */
const [EACH_ROW, BEFORE, INSERT, DELETE, UPDATE, TRUNCATE] = [1, 2, 4, 8, 16, 32] as const;

/** The append-only tables, each with the function that numbers its rows, or null. */
const ledgers = [
  { ledger: "self_extension_events", numberedBy: "number_self_extension_event" },
  { ledger: "action_audit_log", numberedBy: "number_action_audit_event" },
  { ledger: "ledger_records", numberedBy: "number_ledger_record" },
  { ledger: "ledger_leaves", numberedBy: null },
  { ledger: "ledger_nodes", numberedBy: null },
  { ledger: "ledger_checkpoints", numberedBy: null },
] as const;

/**
 * Looks at the catalogue, every time: what guards the ledgers now, not what set-up once installed.
 * @throws DatabaseError `ledger-guard-missing` when rows of the ledger could be changed.
 */
export async function readLedgerGuard(
  runtime: SqlClient,
): Promise<{ ledgerGuard: LedgerGuard; ledgerGuardSql: string | null }> {
  const rows = await runtime`
    select
      wanted.ledger,
      case when wanted.numbered_by is null then 2 else 3 end as "wantedTriggers",
      (select count(*)::int from pg_trigger t
        join pg_proc p on p.oid = t.tgfoid
        where t.tgrelid = to_regclass('public.' || wanted.ledger) and t.tgenabled = 'A'
          and p.pronamespace = 'jarvis_guard'::regnamespace
          and t.tgqual is null and t.tgattr = ''::int2vector
          and (t.tgname, p.proname, t.tgtype) in (
            ('jarvis_guard_rows', 'refuse_change', ${BEFORE | EACH_ROW | UPDATE | DELETE}::int),
            ('jarvis_guard_truncate', 'refuse_change', ${BEFORE | TRUNCATE}::int),
            ('zz_jarvis_guard_insert', wanted.numbered_by, ${BEFORE | EACH_ROW | INSERT}::int)
          )) as "rowTriggers",
      coalesce((select pg_get_userbyid(relowner) = current_user from pg_class
        where oid = to_regclass('public.' || wanted.ledger)), false) as "runtimeOwns"
    from unnest(
      ${ledgers.map(({ ledger }) => ledger)}::text[],
      ${ledgers.map(({ numberedBy }) => numberedBy)}::text[]
    ) as wanted(ledger, numbered_by)`;
  const open = LedgerFacts.parse(rows).find(
    (facts) => facts.rowTriggers !== facts.wantedTriggers || facts.runtimeOwns,
  );
  if (open !== undefined) {
    throw new DatabaseError(
      "ledger-guard-missing",
      `The append-only guard of ${open.ledger} is not in place (expected ${open.wantedTriggers} triggers and another owner, got ${open.rowTriggers} and ${open.runtimeOwns ? "the runtime role" : "another owner"}): restore the database from a backup before trusting its ledger.`,
    );
  }
  const [{ eventTriggers, superuserLogin }] = DdlFacts.parse([
    ...(await runtime`
      select count(*)::int as "eventTriggers",
        (select rolsuper from pg_roles where rolname = session_user) as "superuserLogin"
      from pg_event_trigger e
      join pg_roles owner on owner.oid = e.evtowner
      where e.evtenabled = 'A' and owner.rolsuper
        and (e.evtname, e.evtevent) in (
          ('jarvis_guard_ddl', 'ddl_command_end'),
          ('jarvis_guard_drop', 'sql_drop'),
          ('jarvis_guard_rewrite', 'table_rewrite'),
          ('jarvis_guard_start', 'ddl_command_start')
        )`),
  ]);
  if (superuserLogin) return { ledgerGuard: "superuser-login", ledgerGuardSql: ownLoginSql };
  return eventTriggers === 4
    ? { ledgerGuard: "enforced", ledgerGuardSql: null }
    : { ledgerGuard: "owner-ddl-unguarded", ledgerGuardSql: ddlGuardSql };
}
