-- Whether the tree of a commit was verified is asked at every look at the base and for every answer
-- to `jarvis status`: with a million events, looking through all verdicts took a third of a second.
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.begin_ledger_change('public.self_extension_events', 'an index of the verdicts by their tree');
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
CREATE INDEX "self_extension_events_tested_tree" ON "self_extension_events" USING btree ((payload ->> 'treeSha')) WHERE event_type = 'tested';
--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.end_ledger_change();
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 9;
