CREATE TABLE "self_extension_events" (
	"id" bigint PRIMARY KEY DEFAULT 0 NOT NULL,
	"run_id" text NOT NULL,
	"correlation_id" text NOT NULL,
	"seq" integer DEFAULT 0 NOT NULL,
	"event_type" text NOT NULL,
	"stage" text NOT NULL,
	"actor_source" text NOT NULL,
	"actor" text NOT NULL,
	"tool_name" text,
	"tool_call_id" text,
	"goal_id" text,
	"cycle_id" text,
	"sub_goal_id" text,
	"idempotency_key" text NOT NULL,
	"payload" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"db_user" text DEFAULT session_user NOT NULL,
	CONSTRAINT "self_extension_events_run_seq" UNIQUE("run_id","seq"),
	CONSTRAINT "self_extension_events_run_idempotency_key" UNIQUE("run_id","idempotency_key"),
	CONSTRAINT "self_extension_events_event_type" CHECK (event_type in ('proposed', 'tested', 'promotion_blocked', 'promoted', 'failed', 'promotion_pause_changed', 'health_window_started', 'health_window_passed', 'health_window_failed', 'rollback_started', 'rolled_back', 'rollback_failed', 'baseline_blessed')),
	CONSTRAINT "self_extension_events_payload_size" CHECK (octet_length(payload::text) <= 16384)
);
--> statement-breakpoint
CREATE TABLE "agent_state" (
	"key" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "blobs" (
	"digest" text PRIMARY KEY NOT NULL,
	"size" integer NOT NULL,
	"content" "bytea",
	"media_type" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "blobs_digest_form" CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
	CONSTRAINT "blobs_content_is_digest" CHECK (content is null or (octet_length(content) = size and digest = 'sha256:' || encode(sha256(content), 'hex')))
);
--> statement-breakpoint
CREATE TABLE "schema_info" (
	"only_row" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"schema_version" integer NOT NULL,
	"min_kernel_schema" integer NOT NULL,
	"prepared" text DEFAULT '' NOT NULL,
	CONSTRAINT "schema_info_only_row" CHECK (only_row)
);
--> statement-breakpoint
CREATE INDEX "self_extension_events_type_created_at" ON "self_extension_events" USING btree ("event_type","created_at");--> statement-breakpoint
CREATE INDEX "self_extension_events_created_at" ON "self_extension_events" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "self_extension_events_correlation" ON "self_extension_events" USING btree ("correlation_id");