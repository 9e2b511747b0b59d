CREATE TABLE "action_audit_log" (
	"id" bigint PRIMARY KEY DEFAULT 0 NOT NULL,
	"proposal_id" bigint,
	"event_type" text NOT NULL,
	"event_data" jsonb,
	"actor" text NOT NULL,
	"timestamp" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "action_audit_log_event_type" CHECK (event_type in ('proposed', 'validated', 'approved', 'rejected', 'executing', 'completed', 'failed', 'cancelled', 'expired', 'kill_switch', 'mode_change')),
	CONSTRAINT "action_audit_log_actor" CHECK (actor in ('agent', 'user', 'system')),
	CONSTRAINT "action_audit_log_proposal" CHECK ((proposal_id is null) = (event_type in ('kill_switch', 'mode_change'))),
	CONSTRAINT "action_audit_log_event_data_size" CHECK (octet_length(event_data::text) <= 16384)
);
--> statement-breakpoint
CREATE TABLE "action_proposals" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "action_proposals_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"state" text DEFAULT 'proposed' NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"action_name" text NOT NULL,
	"parameters" jsonb NOT NULL,
	"parameters_digest" text NOT NULL,
	"reason" text NOT NULL,
	"effect" text NOT NULL,
	"risk" text NOT NULL,
	"needs_approval" boolean NOT NULL,
	"requester_kind" text NOT NULL,
	"requested_by" text NOT NULL,
	"agent_id" text,
	"session_id" text NOT NULL,
	"approval_token_hash" text,
	"approval_expires_at" timestamp with time zone,
	"approved_digest" text,
	"approved_by" text,
	"executor_id" text,
	"lease_expires_at" timestamp with time zone,
	"stop_reason" text,
	"end_reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "action_proposals_state" CHECK (state in ('proposed', 'validated', 'approved', 'executing', 'completed', 'failed', 'cancelled', 'rejected', 'expired')),
	CONSTRAINT "action_proposals_effect" CHECK (effect in ('read', 'write-workspace', 'network', 'process', 'promotion', 'irreversible')),
	CONSTRAINT "action_proposals_risk" CHECK (risk in ('low', 'medium', 'high', 'critical')),
	CONSTRAINT "action_proposals_requester_kind" CHECK (requester_kind in ('agent', 'user', 'system')),
	CONSTRAINT "action_proposals_parameters_size" CHECK (octet_length(parameters::text) <= 262144)
);
--> statement-breakpoint
CREATE INDEX "idx_audit_proposal" ON "action_audit_log" USING btree ("proposal_id");--> statement-breakpoint
CREATE INDEX "idx_audit_type" ON "action_audit_log" USING btree ("event_type");--> statement-breakpoint
CREATE INDEX "idx_audit_timestamp" ON "action_audit_log" USING btree ("timestamp");--> statement-breakpoint
CREATE INDEX "action_proposals_state" ON "action_proposals" USING btree ("state");--> statement-breakpoint
CREATE INDEX "action_proposals_session_started" ON "action_proposals" USING btree ("session_id","started_at");