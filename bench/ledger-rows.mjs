/** A table of the same columns, constraints and indexes, and the ledger that is held against it. */
export const twins = [
  ["plain_events", "self_extension_events"],
  ["plain_audit", "action_audit_log"],
];

export const payload = JSON.stringify({
  attempt: 1,
  passed: true,
  treeSha: "a".repeat(40),
  stages: [{ name: "build", status: "passed", durationMs: 1234 }],
  note: "x".repeat(60),
});

/** Takes a name, the payload, and a number above all that the table was given before. */
export function insertSql(table, rows) {
  const from = `from generate_series(1, ${rows}) g where $3::int > 0`;
  if (twins[1].includes(table)) {
    return `insert into ${table} (proposal_id, event_type, event_data, actor, timestamp)
      select hashtext($1), 'proposed', $2::text::jsonb, 'agent', now() ${from}`;
  }
  // The ledger gives a number of its own; the plain table takes what it is told.
  return `insert into ${table} (run_id, correlation_id, seq, event_type, stage, actor_source, actor, idempotency_key, payload)
    select $1, $1, $3::int - g, 'tested', 'verify', 'agent', 'bench', gen_random_uuid()::text, $2::text::jsonb ${from}`;
}
