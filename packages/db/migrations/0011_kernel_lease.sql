CREATE TABLE "kernel_lease" (
	"id" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"epoch" bigint NOT NULL,
	"holder" jsonb NOT NULL,
	"previous" jsonb,
	"ttl_ms" integer NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	"renewed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"is_released" boolean DEFAULT false NOT NULL,
	CONSTRAINT "kernel_lease_one_row" CHECK (id),
	CONSTRAINT "kernel_lease_ttl" CHECK (ttl_ms between 1000 and 600000),
	CONSTRAINT "kernel_lease_holder_size" CHECK (octet_length(holder::text) <= 4096)
);
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
-- The lock orders writes and changes of leadership: whoever writes as a leader holds it shared until
-- its transaction ends, whoever takes the lease waits for those and then has it alone. A leader that
-- is stopped inside of a transaction loses it by idle_in_transaction_session_timeout, which its
-- sessions set.
CREATE FUNCTION public.check_kernel_lease() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
begin
	if tg_op = 'INSERT' then
		if new.epoch <> 1 then
			raise exception 'the first leadership has epoch 1.' using errcode = 'JL002';
		end if;
		new.previous := null;
	elsif new.epoch = old.epoch then
		if old.is_released then
			raise exception 'leadership % was given back.', old.epoch using errcode = 'JL001';
		end if;
		new.previous := old.previous;
		new.ttl_ms := old.ttl_ms;
		new.since := old.since;
		new.renewed_at := clock_timestamp();
		return new;
	elsif new.epoch = old.epoch + 1 then
		if not old.is_released and old.renewed_at + old.ttl_ms * interval '1 millisecond' > clock_timestamp() then
			raise exception 'leadership % has not run out.', old.epoch using errcode = 'JL002';
		end if;
		new.previous := old.holder;
	else
		raise exception 'leadership % follows %.', old.epoch + 1, old.epoch using errcode = 'JL002';
	end if;
	perform pg_advisory_xact_lock(81658673841);
	new.since := clock_timestamp();
	new.renewed_at := new.since;
	new.is_released := false;
	return new;
end
$$;
--> statement-breakpoint
CREATE TRIGGER check_kernel_lease BEFORE INSERT OR UPDATE ON public.kernel_lease
	FOR EACH ROW EXECUTE FUNCTION public.check_kernel_lease();
--> statement-breakpoint
-- A session that says which leadership it belongs to may write while that one lasts. One that says
-- none is a person's: a command, or a kernel that stands by, which turns switches and lands nothing.
CREATE FUNCTION public.require_leadership() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
declare
	mine text := current_setting('jarvis.epoch', true);
	epoch_now bigint;
begin
	if mine is null or mine = '' then
		return null;
	end if;
	perform pg_advisory_xact_lock_shared(81658673841);
	select epoch into epoch_now from public.kernel_lease where not is_released;
	if epoch_now is null or mine <> epoch_now::text then
		raise exception 'leadership % is over: this kernel may change nothing any more.', mine
			using errcode = 'JL001';
	end if;
	return null;
end
$$;
--> statement-breakpoint
CREATE FUNCTION public.require_leadership_to_land() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
declare
	epoch_now bigint;
begin
	if tg_op = 'UPDATE' and new.landing_at is not distinct from old.landing_at then
		return new;
	end if;
	select epoch into epoch_now from public.kernel_lease where not is_released;
	if epoch_now is not null and current_setting('jarvis.epoch', true) is distinct from epoch_now::text then
		raise exception 'only the kernel that leads may land a change.' using errcode = 'JL001';
	end if;
	return new;
end
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.check_kernel_lease(), public.require_leadership(), public.require_leadership_to_land() FROM PUBLIC;
--> statement-breakpoint
-- Whoever migrates puts it on the tables of the workflow engine, too.
GRANT EXECUTE ON FUNCTION public.require_leadership() TO jarvis_migrator;
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT OR UPDATE ON public.agent_state
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT OR UPDATE ON public.blobs
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT OR UPDATE ON public.action_proposals
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT OR UPDATE ON public.promotion_intents
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership_to_land BEFORE INSERT OR UPDATE ON public.promotion_intents
	FOR EACH ROW EXECUTE FUNCTION public.require_leadership_to_land();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT OR UPDATE ON public.goals
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT OR UPDATE ON public.goal_attempts
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT OR UPDATE ON public.model_calls
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.begin_ledger_change(null, 'the ledgers take nothing of a kernel that does not lead any more');
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT ON public.self_extension_events
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT ON public.action_audit_log
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT ON public.ledger_records
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT ON public.ledger_leaves
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT ON public.ledger_nodes
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
CREATE TRIGGER require_leadership BEFORE INSERT ON public.ledger_checkpoints
	FOR EACH STATEMENT EXECUTE FUNCTION public.require_leadership();
--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.end_ledger_change();
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
GRANT SELECT,
	INSERT (epoch, holder, ttl_ms),
	UPDATE (epoch, holder, ttl_ms, renewed_at, is_released)
	ON public.kernel_lease TO jarvis_runtime;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 7;
