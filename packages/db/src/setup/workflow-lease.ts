import { connect } from "../connection.ts";

/** Tables in which the workflow engine keeps where a run stands and what its steps answered. */
const tables = ["workflow_status", "operation_outputs"] as const;

/**
 * Refuses what a kernel that does not lead any more would write of its workflows, as every table of
 * ours does (migration 0011): it would end runs that another one has taken over.
 */
export const workflowLeaseSql = tables
  .map(
    (table) =>
      `create or replace trigger require_leadership before insert or update or delete on dbos.${table} for each statement execute function public.require_leadership()`,
  )
  .join(";\n");

/** To be run with the login that owns the engine's schema, after every migration of it. */
export async function guardWorkflows(url: string): Promise<void> {
  const owner = connect(url, { max: 1, role: undefined, applicationName: "jarvis set-up" });
  try {
    await owner.unsafe(workflowLeaseSql).simple();
  } finally {
    await owner.end({ timeout: 5 });
  }
}
