-- Tells whoever listens that rows were committed to a ledger, so that nobody has to look again and
-- again: the payload is the table's name. Beside it, what reading a large ledger in pages needs.
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
CREATE FUNCTION public.announce_ledger_rows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
begin
	perform pg_notify('jarvis_ledger', tg_table_name);
	return null;
end
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.announce_ledger_rows() FROM PUBLIC;
--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.begin_ledger_change('public.self_extension_events', 'announces new rows; indexes for pages of one type or actor');
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
CREATE INDEX "self_extension_events_type_id" ON "self_extension_events" USING btree ("event_type","id");--> statement-breakpoint
CREATE INDEX "self_extension_events_actor_id" ON "self_extension_events" USING btree ("actor","id");
--> statement-breakpoint
CREATE TRIGGER announce_rows AFTER INSERT ON public.self_extension_events
	FOR EACH STATEMENT EXECUTE FUNCTION public.announce_ledger_rows();
--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.end_ledger_change();
--> statement-breakpoint
SELECT jarvis_guard.begin_ledger_change('public.action_audit_log', 'announces new rows');
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
CREATE TRIGGER announce_rows AFTER INSERT ON public.action_audit_log
	FOR EACH STATEMENT EXECUTE FUNCTION public.announce_ledger_rows();
--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.end_ledger_change();
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 6;
