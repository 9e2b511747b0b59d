-- The switches exist from the first moment, in their safe position. A row that is missing later is
-- damage, and readers take it for paused and observe-only.
INSERT INTO public.agent_state (key, value)
SELECT seed.key, seed.value
FROM (SELECT to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at) AS instant,
LATERAL (VALUES
	('self_extension:promotion_control', jsonb_build_object('paused', false, 'reason', 'initial state', 'updatedBy', 'system', 'updatedAt', instant.at)),
	('self_extension:pipeline_status', jsonb_build_object('state', 'idle')),
	('self_extension:known_good_baseline', jsonb_build_object('sha', null)),
	('system:safety', jsonb_build_object('mode', 'observe', 'reason', 'initial state', 'updatedBy', 'system', 'updatedAt', instant.at)),
	('system:loop_health', jsonb_build_object('state', 'unknown'))
) AS seed (key, value);
--> statement-breakpoint
INSERT INTO public.schema_info (schema_version, min_kernel_schema) VALUES (1, 1);
