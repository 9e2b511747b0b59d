import { z } from "zod";
import type { SqlClient } from "../connection.ts";

/*
 * The triggers on a ledger table stop every change of its rows. What is left is DDL: disabling a
 * trigger, rewriting a column, swapping the table. Event triggers refuse that for every role, and
 * only a superuser can make one.
 *
 * Their functions live in a schema of their own, owned by the superuser: dropping jarvis_guard with
 * everything in it is then still seen, and refused, from here. What stays possible is a superuser
 * who disables the event triggers or drops this schema; that is not prevented, it is detected by
 * proofs kept outside the database.
 */
export const ddlGuardSql = `begin;
do $$ declare installed name; begin
  for installed in select evtname from pg_event_trigger
    where evtname in ('jarvis_guard_ddl', 'jarvis_guard_drop', 'jarvis_guard_rewrite', 'jarvis_guard_start')
  loop execute format('drop event trigger %I', installed); end loop;
end $$;

create schema if not exists jarvis_ddl_guard;
revoke all on schema jarvis_ddl_guard from public;

-- Matching is by object identifier, so that a renamed or moved object is still the same.
create or replace function jarvis_ddl_guard.touches_guard(class oid, object oid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  with guarded as (select g.relid::oid as relid from jarvis_guard.guarded_tables g),
  guard_schemas as (
    select n.oid from pg_namespace n where n.nspname in ('jarvis_guard', 'jarvis_ddl_guard')
    union select p.pronamespace from pg_trigger t join pg_proc p on p.oid = t.tgfoid
      join guarded on guarded.relid = t.tgrelid where t.tgname like '%jarvis_guard%'
    union select p.pronamespace from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid
      where e.evtname like 'jarvis_guard_%'
  )
  select case class
    when 'pg_class'::regclass then
      object in (select relid from guarded)
      or exists (select from pg_class c where c.oid = object and c.relnamespace in (select oid from guard_schemas))
      or exists (select from pg_index i join guarded on guarded.relid = i.indrelid where i.indexrelid = object)
      -- A child of a ledger would show its rows in the ledger.
      or exists (select from pg_inherits h join guarded on guarded.relid = h.inhparent where h.inhrelid = object)
    when 'pg_trigger'::regclass then
      exists (select from pg_trigger t join guarded on guarded.relid = t.tgrelid where t.oid = object)
    when 'pg_rewrite'::regclass then
      exists (select from pg_rewrite r join guarded on guarded.relid = r.ev_class where r.oid = object)
    when 'pg_policy'::regclass then
      exists (select from pg_policy p join guarded on guarded.relid = p.polrelid where p.oid = object)
    when 'pg_constraint'::regclass then
      exists (select from pg_constraint c join guarded on guarded.relid = c.conrelid where c.oid = object)
    when 'pg_proc'::regclass then
      exists (select from pg_proc p where p.oid = object and p.pronamespace in (select oid from guard_schemas))
      or exists (select from pg_trigger t join guarded on guarded.relid = t.tgrelid where t.tgfoid = object)
      or exists (select from pg_event_trigger e where e.evtname like 'jarvis_guard_%' and e.evtfoid = object)
    when 'pg_namespace'::regclass then
      object in (select oid from guard_schemas)
      or exists (select from pg_class c join guarded on guarded.relid = c.oid where c.relnamespace = object)
    else false
  end
$$;

-- Once an index is dropped nothing says any more of which table it was.
create table if not exists jarvis_ddl_guard.ledger_indexes (indexrelid oid primary key);
truncate jarvis_ddl_guard.ledger_indexes;
insert into jarvis_ddl_guard.ledger_indexes
  select i.indexrelid from pg_index i join jarvis_guard.guarded_tables g on g.relid = i.indrelid;

-- What is done concurrently is done in several transactions, of which the others refuse the last one
-- only: what is left then is an index that nobody reads by and that every insert has to satisfy. The
-- tables are not known yet; who may do so to a guarded one may not do so at all.
create or replace function jarvis_ddl_guard.refuse_concurrent() returns event_trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_query() ~* '\\mconcurrently\\M' and pg_has_role(current_user, 'jarvis_owner', 'USAGE') then
    raise exception '% CONCURRENTLY is refused to whoever owns a table under the append-only guard: leave the word out.',
      tg_tag using errcode = 'JG002';
  end if;
end $$;

create or replace function jarvis_ddl_guard.refuse_ddl() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare command record;
begin
  if to_regclass('jarvis_guard.guarded_tables') is null then
    raise exception '% is refused: it hides the list of guarded tables.', tg_tag using errcode = 'JG002';
  end if;
  for command in select * from pg_event_trigger_ddl_commands() loop
    -- REINDEX repairs an index and changes no row.
    if command.command_tag <> 'REINDEX' and jarvis_ddl_guard.touches_guard(command.classid, command.objid) then
      raise exception '% on % is refused: it is under the append-only guard; change it between jarvis_guard.begin_ledger_change() and end_ledger_change().',
        command.command_tag, coalesce(command.object_identity, 'a guarded object') using errcode = 'JG002';
    end if;
  end loop;
  -- What a table is attached to gives it triggers of its own, and the command names only the other one.
  if exists (select from jarvis_guard.guarded_tables g join pg_inherits h on h.inhrelid = g.relid) then
    raise exception '% is refused: it makes a table under the append-only guard a part of another one.',
      tg_tag using errcode = 'JG002';
  end if;
end $$;

create or replace function jarvis_ddl_guard.refuse_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare dropped record; touched boolean;
begin
  for dropped in select * from pg_event_trigger_dropped_objects() where not is_temporary loop
    -- First what needs no table of the guard: that table may be among the dropped.
    touched := coalesce(dropped.schema_name in ('jarvis_guard', 'jarvis_ddl_guard'), false)
      or (dropped.object_type = 'schema' and dropped.object_name in ('jarvis_guard', 'jarvis_ddl_guard'));
    if not touched then
      -- The identifier of a dropped trigger leads nowhere any more. The name of its table still
      -- does, because no guarded table can have been renamed.
      touched := exists (
        select from jarvis_guard.guarded_tables g
        left join pg_class c on c.oid = g.relid
        left join pg_namespace n on n.oid = c.relnamespace
        where (dropped.classid = 'pg_class'::regclass and dropped.objid = g.relid)
          or (dropped.object_type = 'index'
            and dropped.objid in (select indexrelid from jarvis_ddl_guard.ledger_indexes))
          or (dropped.object_type in ('trigger', 'rule', 'policy', 'table constraint', 'default value')
            and dropped.address_names[1] = n.nspname and dropped.address_names[2] = c.relname));
    end if;
    if touched then
      raise exception '% is refused: % is under the append-only guard.', tg_tag, dropped.object_identity
        using errcode = 'JG002';
    end if;
  end loop;
end $$;

create or replace function jarvis_ddl_guard.refuse_rewrite() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from jarvis_guard.guarded_tables g where g.relid = pg_event_trigger_table_rewrite_oid()) then
    raise exception '% is refused: it would rewrite the rows of %, which is under the append-only guard.',
      tg_tag, pg_event_trigger_table_rewrite_oid()::regclass using errcode = 'JG002';
  end if;
end $$;

revoke all on all functions in schema jarvis_ddl_guard from public;

-- Only their owner may disable event triggers, so the way to change a ledger has to be the superuser's.
alter function jarvis_guard.begin_ledger_change(regclass, text) owner to current_user;
alter function jarvis_guard.end_ledger_change() owner to current_user;
grant execute on function jarvis_guard.begin_ledger_change(regclass, text), jarvis_guard.end_ledger_change() to jarvis_guard;

create event trigger jarvis_guard_ddl on ddl_command_end execute function jarvis_ddl_guard.refuse_ddl();
create event trigger jarvis_guard_drop on sql_drop execute function jarvis_ddl_guard.refuse_drop();
create event trigger jarvis_guard_start on ddl_command_start when tag in ('CREATE INDEX', 'DROP INDEX')
  execute function jarvis_ddl_guard.refuse_concurrent();
create event trigger jarvis_guard_rewrite on table_rewrite execute function jarvis_ddl_guard.refuse_rewrite();
alter event trigger jarvis_guard_ddl enable always;
alter event trigger jarvis_guard_drop enable always;
alter event trigger jarvis_guard_rewrite enable always;
alter event trigger jarvis_guard_start enable always;
commit;`;

/** Installs the event triggers where the session may. Answers whether it could. */
export async function installDdlGuard(admin: SqlClient): Promise<boolean> {
  const rows = await admin`select rolsuper from pg_roles where rolname = current_user`;
  const [role] = z.array(z.object({ rolsuper: z.boolean() })).parse(rows);
  if (role?.rolsuper !== true) return false;
  await admin.unsafe(ddlGuardSql).simple();
  return true;
}
