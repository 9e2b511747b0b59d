-- Orders promotions and pauses: whoever announces a landing, or asks to be let through to it, holds
-- the row of the promotion switch while it is looked at, in one statement. A process that is stopped
-- between two statements therefore holds nothing.
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
CREATE FUNCTION public.require_promotion_open() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
declare switch jsonb;
begin
	select value into switch from public.agent_state
		where key = 'self_extension:promotion_control' for share;
	-- Missing and malformed are paused, as for every reader of the switch.
	if switch is null
		or switch -> 'paused' is distinct from 'false'::jsonb
		or jsonb_typeof(switch -> 'reason') is distinct from 'string'
		or jsonb_typeof(switch -> 'updatedBy') is distinct from 'string'
		or jsonb_typeof(switch -> 'updatedAt') is distinct from 'string' then
		raise exception 'promotion is paused.' using errcode = 'JP001';
	end if;
end
$$;
--> statement-breakpoint
CREATE FUNCTION public.check_promotion_intent() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
begin
	if tg_op = 'INSERT' then
		if new.phase <> 'recorded' or new.outcome is not null or new.fence_closed_at is not null then
			raise exception 'an intent begins as recorded and open.' using errcode = 'JP002';
		end if;
		if not new.is_revert then
			perform public.require_promotion_open();
		end if;
		new.recorded_at := clock_timestamp();
		return new;
	end if;
	if (new.id, new.run_id, new.attempt, new.head_sha, new.base_sha, new.is_revert, new.recorded_at)
		is distinct from (old.id, old.run_id, old.attempt, old.head_sha, old.base_sha, old.is_revert, old.recorded_at) then
		raise exception 'what intent % announces cannot change.', old.id using errcode = 'JP002';
	end if;
	if old.outcome is not null then
		if old.fence_closed_at is not null or new.fence_closed_at is null
			or (new.holder, new.phase, new.landing_at, new.resolved_at, new.outcome, new.known_by, new.merge_sha)
			is distinct from (old.holder, old.phase, old.landing_at, old.resolved_at, old.outcome, old.known_by, old.merge_sha) then
			raise exception 'intent % is resolved: it stays as it is.', old.id using errcode = 'JP002';
		end if;
		new.fence_closed_at := clock_timestamp();
		return new;
	end if;
	if old.phase = 'landing' and new.phase <> 'landing' then
		raise exception 'intent % was let through: that cannot be taken back.', old.id using errcode = 'JP002';
	end if;
	-- Each request that moves the base is let through by itself.
	if new.landing_at is distinct from old.landing_at then
		if not new.is_revert then
			perform public.require_promotion_open();
		end if;
		new.landing_at := clock_timestamp();
	end if;
	if new.outcome is not null then
		new.resolved_at := clock_timestamp();
	end if;
	return new;
end
$$;
--> statement-breakpoint
CREATE TRIGGER check_promotion_intent BEFORE INSERT OR UPDATE ON public.promotion_intents
	FOR EACH ROW EXECUTE FUNCTION public.check_promotion_intent();
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.require_promotion_open(), public.check_promotion_intent() FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION public.require_promotion_open() TO jarvis_runtime;
--> statement-breakpoint
GRANT SELECT,
	INSERT (run_id, attempt, head_sha, base_sha, is_revert, holder),
	UPDATE (holder, phase, landing_at, outcome, known_by, merge_sha, fence_closed_at)
	ON public.promotion_intents TO jarvis_runtime;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 3;
