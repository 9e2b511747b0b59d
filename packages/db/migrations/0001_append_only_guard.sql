-- Makes self_extension_events append-only in the database itself.
--
-- Everything here belongs to jarvis_guard, a role that cannot log in, so that neither the runtime
-- role nor the owner of the tables can replace a guard function. The session running migrations
-- acts as jarvis_owner and may step over to jarvis_guard.
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
CREATE TABLE jarvis_guard.guarded_tables (
	relid regclass PRIMARY KEY,
	numbers_inserts boolean NOT NULL,
	guarded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE jarvis_guard.ledger_alterations (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	relid regclass,
	reason text NOT NULL CHECK (btrim(reason) <> ''),
	altered_by text DEFAULT session_user NOT NULL,
	altered_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE SEQUENCE jarvis_guard.self_extension_events_id;
--> statement-breakpoint
-- Generic: any table put under the guard refuses with this one.
CREATE FUNCTION jarvis_guard.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
begin
	raise exception '% on %.% is refused: its rows are append-only; record a new row instead.',
		tg_op, tg_table_schema, tg_table_name
		using errcode = 'JG001';
end
$$;
--> statement-breakpoint
-- Per table: sets what no caller may choose. SECURITY DEFINER because the sequence is the guard's.
CREATE FUNCTION jarvis_guard.number_self_extension_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
begin
	-- One writer a run until commit: whoever waited here reads the number that was committed.
	-- The id is taken after the lock too; taken before, ids of a run could disagree with its seq.
	perform pg_advisory_xact_lock(hashtextextended(new.run_id, tg_relid::bigint));
	new.id := nextval('jarvis_guard.self_extension_events_id');
	select coalesce(max(event.seq), 0) + 1 into new.seq
		from public.self_extension_events event where event.run_id = new.run_id;
	new.created_at := clock_timestamp();
	-- current_user is the guard in here; session_user is who logged in.
	new.db_user := session_user;
	return new;
end
$$;
--> statement-breakpoint
CREATE FUNCTION jarvis_guard.register_guarded_table(target regclass, numbers_inserts boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	insert into jarvis_guard.guarded_tables (relid, numbers_inserts) values ($1, $2);
$$;
--> statement-breakpoint
-- Puts a table under the guard; run as the owner of the table. insert_function is a trigger
-- function of this schema that numbers its rows, or null.
CREATE FUNCTION jarvis_guard.guard_table(target regclass, insert_function regproc) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
begin
	execute format('create trigger jarvis_guard_rows before update or delete on %s
		for each row execute function jarvis_guard.refuse_change()', target);
	execute format('alter table %s enable always trigger jarvis_guard_rows', target);
	execute format('create trigger jarvis_guard_truncate before truncate on %s
		for each statement execute function jarvis_guard.refuse_change()', target);
	execute format('alter table %s enable always trigger jarvis_guard_truncate', target);
	if insert_function is not null then
		-- Triggers fire in the order of their names, and the last one to set a column decides.
		execute format('create trigger zz_jarvis_guard_insert before insert on %s
			for each row execute function %s()', target, insert_function);
		execute format('alter table %s enable always trigger zz_jarvis_guard_insert', target);
	end if;
	perform jarvis_guard.register_guarded_table(target, insert_function is not null);
end
$$;
--> statement-breakpoint
-- The only way to change a guarded table: begin, alter, end, in one transaction, recorded.
-- Where event triggers guard the DDL, set-up gives these two functions to the superuser, since
-- nobody else may disable an event trigger; elsewhere they only record and check.
CREATE FUNCTION jarvis_guard.begin_ledger_change(target regclass, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
declare
	guard_trigger name;
begin
	for guard_trigger in select evtname from pg_event_trigger
		where evtname in ('jarvis_guard_ddl', 'jarvis_guard_drop', 'jarvis_guard_rewrite')
	loop
		execute format('alter event trigger %I disable', guard_trigger);
	end loop;
	-- Last: were constraints set immediate, the check below would now see the guard disabled.
	insert into jarvis_guard.ledger_alterations (relid, reason) values (target, reason);
end
$$;
--> statement-breakpoint
CREATE FUNCTION jarvis_guard.end_ledger_change() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
declare
	guard_trigger name;
begin
	for guard_trigger in select evtname from pg_event_trigger
		where evtname in ('jarvis_guard_ddl', 'jarvis_guard_drop', 'jarvis_guard_rewrite')
	loop
		execute format('alter event trigger %I enable always', guard_trigger);
	end loop;
	perform jarvis_guard.require_intact_guard();
end
$$;
--> statement-breakpoint
CREATE FUNCTION jarvis_guard.require_intact_guard() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
declare
	open_table text;
	disabled name;
begin
	select g.relid::text into open_table
		from jarvis_guard.guarded_tables g
		cross join unnest(array['jarvis_guard_rows', 'jarvis_guard_truncate', 'zz_jarvis_guard_insert']) as wanted(trigger_name)
		where (g.numbers_inserts or wanted.trigger_name <> 'zz_jarvis_guard_insert')
			and not exists (
				select from pg_trigger t
				join pg_proc p on p.oid = t.tgfoid
				where t.tgrelid = g.relid and t.tgname = wanted.trigger_name and t.tgenabled = 'A'
					and p.pronamespace = 'jarvis_guard'::regnamespace
			)
		limit 1;
	if open_table is not null then
		raise exception 'the append-only guard of % is missing or disabled: restore it before the change ends.', open_table
			using errcode = 'JG002';
	end if;
	select evtname into disabled from pg_event_trigger
		where evtname in ('jarvis_guard_ddl', 'jarvis_guard_drop', 'jarvis_guard_rewrite') and evtenabled <> 'A'
		limit 1;
	if disabled is not null then
		raise exception 'event trigger % is still disabled: call jarvis_guard.end_ledger_change() before the transaction ends.', disabled
			using errcode = 'JG002';
	end if;
end
$$;
--> statement-breakpoint
-- At commit, so that a change which was begun and not ended takes everything back with it.
CREATE FUNCTION jarvis_guard.refuse_open_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
begin
	perform jarvis_guard.require_intact_guard();
	return null;
end
$$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER jarvis_guard_open_change AFTER INSERT ON jarvis_guard.ledger_alterations
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION jarvis_guard.refuse_open_change();
--> statement-breakpoint
ALTER TABLE jarvis_guard.ledger_alterations ENABLE ALWAYS TRIGGER jarvis_guard_open_change;
--> statement-breakpoint
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA jarvis_guard FROM PUBLIC;
--> statement-breakpoint
GRANT USAGE ON SCHEMA jarvis_guard TO jarvis_owner, jarvis_runtime;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION
	jarvis_guard.refuse_change(),
	jarvis_guard.number_self_extension_event(),
	jarvis_guard.register_guarded_table(regclass, boolean),
	jarvis_guard.guard_table(regclass, regproc)
	TO jarvis_owner;
--> statement-breakpoint
GRANT SELECT ON jarvis_guard.guarded_tables, jarvis_guard.ledger_alterations TO jarvis_owner, jarvis_runtime;
--> statement-breakpoint
SELECT jarvis_guard.guard_table('jarvis_guard.guarded_tables', null);
--> statement-breakpoint
SELECT jarvis_guard.guard_table('jarvis_guard.ledger_alterations', null);
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
GRANT SELECT ON public.self_extension_events TO jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.guard_table('public.self_extension_events', 'jarvis_guard.number_self_extension_event');
--> statement-breakpoint
GRANT SELECT, INSERT ON public.self_extension_events TO jarvis_runtime;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON public.agent_state, public.blobs TO jarvis_runtime;
--> statement-breakpoint
GRANT SELECT ON public.schema_info TO jarvis_runtime;
