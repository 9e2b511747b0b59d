import { createInterface } from "node:readline/promises";
import type { ActionState, AuditEventType } from "@jarvis/db/action-words";
import { describeAction, describeActions, describeAudit, describePatch } from "../action-text.ts";
import type { CliConfig } from "../config.ts";
import { kernelOr, needKernel, type KernelClient } from "../kernel-client.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";
import * as wire from "../wire.ts";

/** Proposed actions, newest first; what only reads asks the database itself where no kernel answers. */
export async function actions(
  config: CliConfig,
  options: { state?: ActionState; limit: number },
): Promise<Answer> {
  const { state, limit } = options;
  const query = `limit=${limit}${state === undefined ? "" : `&state=${state}`}`;
  const list = await kernelOr(
    config,
    async (kernel) => (await kernel.get(`/api/actions?${query}`, wire.actionList)).actions,
    async () => await (await withoutKernel()).listActions(config, { state, limit }),
  );
  return { json: list, text: describeActions(list) };
}

/** One action as it would be approved, and what happened to it. */
export async function showAction(config: CliConfig, id: number): Promise<Answer> {
  const detail = await kernelOr(
    config,
    async (kernel) => await kernel.get(`/api/actions/${id}`, wire.actionDetail),
    async () => await (await withoutKernel()).readAction(config, id),
  );
  return {
    json: detail,
    text: `${describeAction(detail.action)}\n\nEvents\n${describeAudit(detail.events)}`,
  };
}

/**
 * Approves what it shows: the digest of that, and of nothing else, is sent. With the approver's token,
 * because who runs Jarvis does not release what Jarvis blocked.
 */
export async function approve(
  config: CliConfig,
  id: number,
  options: { digest?: string; json: boolean },
): Promise<Answer> {
  const kernel = await needKernel(config, "approver-token");
  const { action } = await kernel.get(`/api/actions/${id}`, wire.actionDetail);
  if (options.digest !== undefined && options.digest !== action.digest) {
    throw new CommandError(
      exitCodes.refused,
      "changed",
      `Action ${id} has the digest ${action.digest}, not the one that you named: look at it with \`jarvis actions ${id}\`.`,
    );
  }
  if (!options.json) process.stderr.write(`${describeAction(action)}\n\n`);
  // A person at a terminal reads before it happens; a script has decided already.
  if (options.digest === undefined && !options.json && process.stdin.isTTY) {
    await showChange(kernel, action);
    await confirm();
  }
  const body = { digest: action.digest };
  const approved = await kernel.post(`/api/actions/${id}/approve`, body, wire.approved);
  const { outcome, detail } = approved.execution;
  const done = outcome === "completed";
  return {
    json: { approved: { ...action, ...approved.action }, execution: approved.execution },
    text: done
      ? `Approved and done: ${action.actionName} ${id}.`
      : `Approved, but ${action.actionName} ${id} ended as ${outcome}: ${detail ?? "no reason was given"}`,
    exitCode: done ? exitCodes.done : exitCodes.refused,
  };
}

/** What is let pass is code, and is read as such. */
async function showChange(kernel: KernelClient, action: wire.WireAction): Promise<void> {
  const release = wire.releaseParameters.safeParse(action.parameters);
  if (action.actionName !== "release_change" || !release.success) return;
  const path = `/api/runs/${encodeURIComponent(release.data.runId)}/patch`;
  process.stderr.write(`${describePatch(await kernel.get(path, wire.runPatch))}\n\n`);
}

async function confirm(): Promise<void> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const said = await reader.question("Type yes to approve exactly this: ");
  reader.close();
  if (said.trim() === "yes") return;
  throw new CommandError(exitCodes.refused, "not-confirmed", "Nothing was approved.");
}

export async function reject(config: CliConfig, id: number, reason: string): Promise<Answer> {
  const kernel = await needKernel(config);
  const answer = await kernel.post(`/api/actions/${id}/reject`, { reason }, wire.actionOnly);
  return { json: answer.action, text: `Rejected: ${answer.action.actionName} ${id}.` };
}

export async function cancel(config: CliConfig, id: number, reason: string): Promise<Answer> {
  const kernel = await needKernel(config);
  const answer = await kernel.post(`/api/actions/${id}/cancel`, { reason }, wire.cancelled);
  const what = `${answer.action.actionName} ${id}`;
  return {
    json: answer,
    text: answer.outcome === "cancelled" ? `Cancelled: ${what}.` : `Told to stop: ${what}.`,
  };
}

/**
 * The action ledger, oldest first; `after` continues from the id of the last event that was read, and
 * `newest` begins so that the newest is the last.
 */
export async function audit(
  config: CliConfig,
  options: {
    action?: number;
    type?: AuditEventType;
    after?: number;
    newest?: boolean;
    limit: number;
  },
): Promise<Answer> {
  const { action: proposalId, type: eventType, after, newest, limit } = options;
  const query = new URLSearchParams({ limit: String(limit) });
  if (proposalId !== undefined) query.set("proposalId", String(proposalId));
  if (eventType !== undefined) query.set("eventType", eventType);
  if (after !== undefined) query.set("after", String(after));
  if (newest === true) query.set("newest", "true");
  const { events } = await kernelOr(
    config,
    async (kernel) => await kernel.get(`/api/audit?${query.toString()}`, wire.auditList),
    async () =>
      await (
        await withoutKernel()
      ).listAudit(config, { proposalId, eventType, after, newest, limit }),
  );
  // Nothing of an action that is there is an answer; nothing of one that never was is a mistake.
  if (events.length === 0 && proposalId !== undefined) await showAction(config, proposalId);
  return { json: events, text: describeAudit(events) };
}

/** With the database, which is loaded where it is asked itself and nowhere else. */
async function withoutKernel() {
  return await import("../without-kernel/actions.ts");
}
