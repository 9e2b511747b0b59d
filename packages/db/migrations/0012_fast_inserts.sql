-- An insert into a ledger costs about what it costs a plain table. What held it up:
--
-- NOTIFY holds a lock of the whole server from before the commit until it is on disk, so writers that
-- all announce commit one after the other: 32 clients reached a sixth of a plain table. One of those
-- that write at the same time announces now. Who leaves it to another was writing while that one was,
-- and holds its lock on the table until its row can be seen: whoever reads on an announcement looks
-- for such writers and reads again once they have ended.
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.begin_ledger_change(null, 'announces and numbers rows at less cost');
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.announce_ledger_rows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
begin
	if pg_try_advisory_xact_lock(hashtextextended('announce', tg_relid::bigint)) then
		perform pg_notify('jarvis_ledger', tg_table_name);
	end if;
	return null;
end
$$;
--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
-- Setting a search path at every row took longer than numbering it. So these set none, and name the
-- schema of every function, type and operator: there is nothing for a caller's path to decide. An
-- assignment is evaluated without a query of its own, which is why the lock is one.
CREATE OR REPLACE FUNCTION jarvis_guard.number_self_extension_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
declare
	locked pg_catalog.text;
begin
	-- One writer a run until commit: whoever waited here reads the number that was committed.
	-- The id is taken after the lock too; taken before, ids of a run could disagree with its seq.
	locked := pg_catalog.pg_advisory_xact_lock(
		pg_catalog.hashtextextended(new.run_id, tg_relid::pg_catalog.int8));
	new.id := pg_catalog.nextval('jarvis_guard.self_extension_events_id'::pg_catalog.regclass);
	select event.seq into new.seq from public.self_extension_events event
		where event.run_id operator(pg_catalog.=) new.run_id order by event.seq desc limit 1;
	if new.seq is null then
		new.seq := 1;
	else
		new.seq := new.seq operator(pg_catalog.+) 1;
	end if;
	new.created_at := pg_catalog.clock_timestamp();
	-- current_user is the guard in here; session_user is who logged in.
	new.db_user := session_user;
	return new;
end
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION jarvis_guard.number_action_audit_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
begin
	new.id := pg_catalog.nextval('jarvis_guard.action_audit_log_id'::pg_catalog.regclass);
	new.created_at := pg_catalog.clock_timestamp();
	return new;
end
$$;
--> statement-breakpoint
SELECT jarvis_guard.end_ledger_change();
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 8;
