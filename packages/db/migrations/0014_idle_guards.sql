-- Whether a session belongs to a leadership is asked before the trigger's function is called: where
-- one kernel has a database of its own none does, and calling the function to find that out was up to
-- a third of what a row of a ledger costs the server more than one of a plain table.
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.begin_ledger_change(null, 'asks for the leadership of those sessions only that have one');
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
CREATE OR REPLACE TRIGGER require_leadership BEFORE INSERT ON public.self_extension_events
	FOR EACH STATEMENT WHEN (pg_catalog.current_setting('jarvis.epoch', true) OPERATOR(pg_catalog.<>) '')
	EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE OR REPLACE TRIGGER require_leadership BEFORE INSERT ON public.action_audit_log
	FOR EACH STATEMENT WHEN (pg_catalog.current_setting('jarvis.epoch', true) OPERATOR(pg_catalog.<>) '')
	EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.end_ledger_change();
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 10;
