CREATE TABLE "ledger_records" (
	"id" bigint PRIMARY KEY DEFAULT 0 NOT NULL,
	"kind" text NOT NULL,
	"actor" text NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"db_user" text DEFAULT session_user NOT NULL,
	CONSTRAINT "ledger_records_kind" CHECK (kind in ('key_added', 'evidence_attested', 'blob_emptied', 'restored')),
	CONSTRAINT "ledger_records_data_size" CHECK (octet_length(data::text) <= 16384)
);
--> statement-breakpoint
CREATE TABLE "ledger_checkpoints" (
	"size" bigint PRIMARY KEY NOT NULL,
	"note" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_leaves" (
	"leaf_index" bigint PRIMARY KEY NOT NULL,
	"ledger" smallint NOT NULL,
	"event_id" bigint NOT NULL,
	"leaf_hash" "bytea" NOT NULL,
	CONSTRAINT "ledger_leaves_event" UNIQUE("ledger","event_id"),
	CONSTRAINT "ledger_leaves_ledger" CHECK (ledger in (1, 2, 3)),
	CONSTRAINT "ledger_leaves_hash" CHECK (octet_length(leaf_hash) = 32)
);
--> statement-breakpoint
CREATE TABLE "ledger_nodes" (
	"level" smallint NOT NULL,
	"node_index" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "ledger_nodes_place" PRIMARY KEY("level","node_index"),
	CONSTRAINT "ledger_nodes_hash" CHECK (octet_length(hash) = 32)
);

--> statement-breakpoint
SET LOCAL ROLE jarvis_guard;
--> statement-breakpoint
SELECT jarvis_guard.begin_ledger_change(null, 'numbers the rows of ledger_records');
--> statement-breakpoint
CREATE SEQUENCE jarvis_guard.ledger_records_id;
--> statement-breakpoint
CREATE FUNCTION jarvis_guard.number_ledger_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
begin
	new.id := nextval('jarvis_guard.ledger_records_id');
	new.created_at := clock_timestamp();
	new.db_user := session_user;
	return new;
end
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION jarvis_guard.number_ledger_record() FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION jarvis_guard.number_ledger_record() TO jarvis_owner;
--> statement-breakpoint
SELECT jarvis_guard.end_ledger_change();
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
SELECT jarvis_guard.guard_table('public.ledger_records', 'jarvis_guard.number_ledger_record');
--> statement-breakpoint
SELECT jarvis_guard.guard_table('public.ledger_leaves', null);
--> statement-breakpoint
SELECT jarvis_guard.guard_table('public.ledger_nodes', null);
--> statement-breakpoint
SELECT jarvis_guard.guard_table('public.ledger_checkpoints', null);
--> statement-breakpoint
-- Who seals may add to the tree and nothing else; when it was added is the database's to say.
GRANT SELECT ON public.ledger_records, public.ledger_leaves, public.ledger_nodes, public.ledger_checkpoints TO jarvis_runtime;
--> statement-breakpoint
GRANT INSERT (kind, actor, data) ON public.ledger_records TO jarvis_runtime;
--> statement-breakpoint
GRANT INSERT (leaf_index, ledger, event_id, leaf_hash) ON public.ledger_leaves TO jarvis_runtime;
--> statement-breakpoint
GRANT INSERT (level, node_index, hash) ON public.ledger_nodes TO jarvis_runtime;
--> statement-breakpoint
GRANT INSERT (size, note) ON public.ledger_checkpoints TO jarvis_runtime;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 4;
