CREATE TABLE "goal_attempts" (
	"goal_id" text NOT NULL,
	"number" integer NOT NULL,
	"state" text DEFAULT 'working' NOT NULL,
	"run_id" text,
	"outcome" text,
	"report" text,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "goal_attempts_place" PRIMARY KEY("goal_id","number"),
	CONSTRAINT "goal_attempts_state_word" CHECK (state in ('working', 'proposed', 'ended')),
	CONSTRAINT "goal_attempts_ended" CHECK ((state = 'ended') = (outcome is not null) and (state = 'ended') = (ended_at is not null)),
	CONSTRAINT "goal_attempts_report_size" CHECK (octet_length(report) <= 32768)
);
--> statement-breakpoint
CREATE TABLE "goals" (
	"id" text PRIMARY KEY NOT NULL,
	"text" text NOT NULL,
	"priority" integer DEFAULT 0 NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"detail" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"max_attempts" integer,
	"max_tokens" bigint,
	"max_micro_usd" bigint,
	"max_steps" integer,
	"max_minutes" integer,
	"requested_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "goals_state_word" CHECK (state in ('open', 'running', 'paused', 'reached', 'given-up', 'cancelled')),
	CONSTRAINT "goals_text_size" CHECK (octet_length(text) between 1 and 16384),
	CONSTRAINT "goals_ended" CHECK ((ended_at is not null) = (state in ('reached', 'given-up', 'cancelled'))),
	CONSTRAINT "goals_budgets" CHECK (attempts >= 0 and coalesce(max_attempts, 1) > 0 and coalesce(max_tokens, 1) > 0 and coalesce(max_micro_usd, 1) > 0 and coalesce(max_steps, 1) > 0 and coalesce(max_minutes, 1) > 0)
);
--> statement-breakpoint
CREATE TABLE "model_calls" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "model_calls_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"goal_id" text NOT NULL,
	"attempt" integer NOT NULL,
	"model" text NOT NULL,
	"input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"micro_usd" bigint NOT NULL,
	"duration_ms" integer,
	"outcome" text,
	"detail" text,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "model_calls_outcome_word" CHECK (outcome in ('answered', 'failed', 'aborted')),
	CONSTRAINT "model_calls_ended" CHECK ((outcome is null) = (duration_ms is null)),
	CONSTRAINT "model_calls_amounts" CHECK (input_tokens >= 0 and output_tokens >= 0 and micro_usd >= 0)
);
--> statement-breakpoint
ALTER TABLE "goal_attempts" ADD CONSTRAINT "goal_attempts_goal_id_goals_id_fk" FOREIGN KEY ("goal_id") REFERENCES "public"."goals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "goal_attempts_run" ON "goal_attempts" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "goals_state" ON "goals" USING btree ("state","priority");--> statement-breakpoint
CREATE INDEX "model_calls_goal" ON "model_calls" USING btree ("goal_id","attempt");--> statement-breakpoint
CREATE INDEX "model_calls_started" ON "model_calls" USING btree ("started_at");
--> statement-breakpoint
SET LOCAL ROLE jarvis_owner;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON public.goals, public.goal_attempts, public.model_calls TO jarvis_runtime;
--> statement-breakpoint
UPDATE public.schema_info SET schema_version = 5;
