-- NOTIFY holds a lock of the whole server from before the commit until it is on disk, so writers that
-- all announce commit one after the other: 32 clients reached a sixth of a plain table. One of those
-- that write at the same time announces now. Who leaves it to another was writing while that one was,
-- and holds its lock on the table until its row can be seen: whoever reads on an announcement looks
-- for such writers and reads again once they have ended.
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
UPDATE public.schema_info SET schema_version = 8;
