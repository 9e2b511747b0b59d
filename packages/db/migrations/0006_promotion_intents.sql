CREATE TABLE "promotion_intents" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "promotion_intents_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"attempt" integer NOT NULL,
	"head_sha" text NOT NULL,
	"base_sha" text NOT NULL,
	"is_revert" boolean NOT NULL,
	"holder" jsonb NOT NULL,
	"phase" text DEFAULT 'recorded' NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	"landing_at" timestamp with time zone,
	"resolved_at" timestamp with time zone,
	"outcome" text,
	"known_by" text,
	"merge_sha" text,
	"fence_closed_at" timestamp with time zone,
	CONSTRAINT "promotion_intents_phase" CHECK (phase in ('recorded', 'landing')),
	CONSTRAINT "promotion_intents_outcome" CHECK (outcome in ('landed', 'did-not-happen')),
	CONSTRAINT "promotion_intents_shas" CHECK (head_sha ~ '^[0-9a-f]{40}$' and base_sha ~ '^[0-9a-f]{40}$'),
	CONSTRAINT "promotion_intents_landing" CHECK ((phase = 'landing') = (landing_at is not null)),
	CONSTRAINT "promotion_intents_resolution" CHECK ((resolved_at is null) = (outcome is null) and (outcome is null) = (known_by is null) and (outcome is not distinct from 'landed') = (merge_sha is not null)),
	CONSTRAINT "promotion_intents_holder_size" CHECK (octet_length(holder::text) <= 1024)
);
--> statement-breakpoint
CREATE UNIQUE INDEX "promotion_intents_one_open" ON "promotion_intents" USING btree ("is_revert") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "promotion_intents_head" ON "promotion_intents" USING btree ("head_sha");