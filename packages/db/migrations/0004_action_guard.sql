-- Puts action_audit_log under the append-only guard and lets the database itself refuse a proposal
-- that skips a state.
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.begin_ledger_change(null, 'numbers the rows of action_audit_log');
--> statement-breakpoint
CREATE SEQUENCE jarvis_guard.action_audit_log_id;
--> statement-breakpoint
-- Sets what no caller may choose. No lock: the row of the proposal orders its events, and a kill
-- switch must not wait for a writer that was stopped in the middle of its transaction.
CREATE FUNCTION jarvis_guard.number_action_audit_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
begin
	new.id := nextval('jarvis_guard.action_audit_log_id');
	new.created_at := clock_timestamp();
	return new;
end
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION jarvis_guard.number_action_audit_event() FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION jarvis_guard.number_action_audit_event() TO jarvis_owner;
--> statement-breakpoint
SELECT jarvis_guard.end_ledger_change();
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
SELECT jarvis_guard.guard_table('public.action_audit_log', 'jarvis_guard.number_action_audit_event');
--> statement-breakpoint
CREATE FUNCTION public.check_action_transition() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
begin
	if tg_op = 'INSERT' then
		if new.state <> 'proposed' or new.version <> 1 then
			raise exception 'a proposal begins as proposed, not as %.', new.state using errcode = 'JA001';
		end if;
		return new;
	end if;
	if (new.id, new.action_name, new.parameters_digest, new.requester_kind, new.requested_by, new.agent_id, new.session_id, new.created_at)
		is distinct from (old.id, old.action_name, old.parameters_digest, old.requester_kind, old.requested_by, old.agent_id, old.session_id, old.created_at)
		-- Once it has ended, what it was called with may be emptied.
		or (new.parameters <> old.parameters and old.state not in ('completed', 'failed', 'cancelled', 'rejected', 'expired')) then
		raise exception 'what proposal % asks for and who asked cannot change: propose again.', old.id using errcode = 'JA001';
	end if;
	new.updated_at := clock_timestamp();
	if new.state = old.state then
		return new;
	end if;
	if not (old.state || ' ' || new.state = any (array[
		'proposed validated', 'proposed rejected', 'proposed cancelled', 'proposed expired',
		'validated approved', 'validated executing', 'validated rejected', 'validated cancelled', 'validated expired',
		'approved executing', 'approved rejected', 'approved cancelled', 'approved expired',
		'executing completed', 'executing failed', 'executing cancelled'
	])) then
		raise exception 'proposal % is %: it cannot become %.', old.id, old.state, new.state using errcode = 'JA001';
	end if;
	if new.version <= old.version then
		raise exception 'proposal % changes its state and keeps version %: another change may be lost.', old.id, old.version using errcode = 'JA001';
	end if;
	if new.state = 'executing' and old.state = 'validated' and (old.needs_approval or new.needs_approval) then
		raise exception 'proposal % needs an approval before it is executed.', old.id using errcode = 'JA001';
	end if;
	if (new.state = 'approved' or (new.state = 'executing' and old.state = 'approved'))
		and new.approved_digest is distinct from new.parameters_digest then
		raise exception 'proposal % is not what was approved.', old.id using errcode = 'JA001';
	end if;
	return new;
end
$$;
--> statement-breakpoint
CREATE TRIGGER check_action_transition BEFORE INSERT OR UPDATE ON public.action_proposals
	FOR EACH ROW EXECUTE FUNCTION public.check_action_transition();
--> statement-breakpoint
-- Says that there is something to read, never what: whoever hears it reads the rows.
CREATE FUNCTION public.notify_safety() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
begin
	perform pg_notify('jarvis_safety', tg_table_name);
	return null;
end
$$;
--> statement-breakpoint
-- In the database, so that nobody who changes the switch can forget it.
CREATE TRIGGER notify_safety_changed AFTER UPDATE ON public.agent_state
	FOR EACH ROW WHEN (new.key = 'system:safety') EXECUTE FUNCTION public.notify_safety();
--> statement-breakpoint
CREATE TRIGGER notify_safety_created AFTER INSERT ON public.agent_state
	FOR EACH ROW WHEN (new.key = 'system:safety') EXECUTE FUNCTION public.notify_safety();
--> statement-breakpoint
CREATE TRIGGER notify_safety_removed AFTER DELETE ON public.agent_state
	FOR EACH ROW WHEN (old.key = 'system:safety') EXECUTE FUNCTION public.notify_safety();
--> statement-breakpoint
CREATE TRIGGER notify_stop_requested AFTER UPDATE ON public.action_proposals
	FOR EACH ROW WHEN (new.stop_reason is not null and old.stop_reason is null) EXECUTE FUNCTION public.notify_safety();
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.check_action_transition(), public.notify_safety() FROM PUBLIC;
--> statement-breakpoint
GRANT SELECT, INSERT ON public.action_audit_log TO jarvis_runtime;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON public.action_proposals TO jarvis_runtime;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 2;
