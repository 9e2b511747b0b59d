import { blockReasonMeanings, type BlockReason, type RunResult } from "@jarvis/tools/answers";
import { plain } from "./plain-text.ts";
import type { WireEvent, WireRun, WireStatus } from "./wire.ts";

/** How things are shown to people. Text of candidates is shown as it is, without control characters. */

export function describeRuns(runs: readonly WireRun[]): string {
  if (runs.length === 0)
    return "There are no runs yet; hand in a change with `jarvis propose --patch FILE`.";
  return runs
    .map(
      (run) =>
        `${run.runId}  ${run.status.padEnd(11)} ${(run.startedAt ?? "").slice(0, 19)}  ${plain(run.title ?? "")}${
          run.blockReasons.length === 0 ? "" : `  [${run.blockReasons.join(", ")}]`
        }`,
    )
    .join("\n");
}

export function describeResult(result: RunResult): string {
  const lines = [
    `run        ${result.lifecycleRunId} (attempt ${result.attempt})`,
    `outcome    ${result.status}`,
  ];
  for (const reason of result.blockReasons) lines.push(`blocked    ${reason}: ${meaning(reason)}`);
  if (result.error !== null) lines.push(`because    ${plain(result.error)}`);
  if (result.pullRequestUrl !== null) lines.push(`pull req.  ${result.pullRequestUrl}`);
  if (result.mergeSha !== null) lines.push(`landed     ${result.mergeSha}`);
  if (result.releaseDigest !== null) lines.push(`release    ${result.releaseDigest}`);
  if (result.verificationSummary !== null) {
    lines.push(`verified   ${result.verificationSummary}; test evidence: ${result.testEvidence}`);
  }
  for (const stage of result.verificationDiagnostics) {
    lines.push(
      `  ${stage.status.padEnd(8)} ${stage.name.padEnd(18)} ${(stage.durationMs / 1000).toFixed(1).padStart(6)} s${
        stage.reason === null ? "" : `  ${plain(stage.reason)}`
      }`,
    );
    for (const test of stage.failingTests.slice(0, 10))
      lines.push(`           failing: ${plain(test)}`);
  }
  return lines.join("\n");
}

export function describeEvents(events: readonly WireEvent[]): string {
  return events
    .map(
      (event) =>
        `${event.id.padStart(6)}  ${event.createdAt}  ${event.type.padEnd(23)} ${event.stage.padEnd(11)} ${event.context.actor.padEnd(10)} ${event.runId}`,
    )
    .join("\n");
}

export function describeStatus(status: WireStatus): string {
  const { promotion, safety, base, sandbox, database, host } = status;
  return [
    `promotion  ${promotion.paused ? `PAUSED by ${plain(promotion.updatedBy)} since ${promotion.updatedAt}: ${plain(promotion.reason)}` : "open"}`,
    describeMode(safety),
    `base       ${base.branch} at ${base.lastSeen ?? "unknown"}`,
    `baseline   ${status.baseline ?? "none yet"}`,
    ...describeKernel(status),
    ...describeBody(status),
    ...(status.room.level === "enough" ? [] : [`room       ${plain(status.room.detail)}`]),
    ...status.holds.map(({ id, kind, title }) => `held       ${kind} ${id}: ${plain(title)}`),
    `open runs  ${status.openRuns.length}`,
    ...status.openRuns.map(
      (run) =>
        `           ${run.runId} ${run.status} ${run.progress?.what ?? run.blockReasons.join(", ")}`,
    ),
    `sandbox    ${sandbox.available ? sandbox.tier : `unavailable: ${sandbox.message ?? ""}`}`,
    `database   ${database.server}, ledger: ${database.ledger}`,
    ...describeLedger(status.ledger),
    `host       ${host.kind}, fence: ${host.fence}`,
    `pull from  ${host.cloneUrl}`,
    `web        ${host.webUrl}`,
    ...(status.lastProblem === null ? [] : [`problem    ${plain(status.lastProblem)}`]),
    describeWayOut(status.wayOut),
  ].join("\n");
}

/** After a kill nothing is even tested, which `observe` alone would not say. */
export function describeMode({
  mode,
  reason,
  killSwitch,
  updatedBy,
  updatedAt,
}: WireStatus["safety"]): string {
  if (killSwitch === true) {
    return `mode       KILLED by ${plain(updatedBy ?? "?")} since ${updatedAt ?? "?"}: ${plain(reason)} (nothing is tested, promoted or run; \`jarvis mode observe --reason TEXT\` ends it)`;
  }
  return `mode       ${mode}${mode === "observe" ? " (changes are tested, nothing is promoted)" : ""}`;
}

function describeLedger(ledger: WireStatus["ledger"]): string[] {
  const { size, problem, verifiedAt, pushProblem } = ledger;
  const verified = verifiedAt === null ? "not verified yet" : `verified ${verifiedAt}`;
  return [
    problem === null
      ? `sealed     ${size ?? 0} events, ${verified}`
      : `sealed     ${problem.reason}: ${plain(problem.detail)}`,
    ...(pushProblem == null
      ? []
      : [`           pushing its newest checkpoint failed: ${plain(pushProblem)}`]),
  ];
}

/** The last line of every status: what comes first, and the command for it. */
export function describeWayOut({ because, command }: WireStatus["wayOut"]): string {
  return `next       ${plain(because)}${command === null ? "" : ` Run \`${command}\`.`}`;
}

function describeKernel({ kernel }: WireStatus): string[] {
  const { release, moving, leftOut, role, leader } = kernel;
  const from = release == null ? "as it was started" : `of the release ${release.sha}`;
  return [
    `kernel     process ${kernel.pid}, ${from}${moving === true ? ", making room for the next release" : ""}`,
    ...(role === "standby" ? [`           ${standsBy(leader)}`] : []),
    ...(leftOut ?? []).map(
      ({ sha, why }) => `           ${sha} did not come up as the kernel: ${plain(why)}`,
    ),
  ];
}

function standsBy(leader: WireStatus["kernel"]["leader"]): string {
  if (leader == null) return "stands by; nobody leads just now";
  const { host, pid, url } = leader;
  return `stands by: process ${pid} on ${plain(host)} leads${url === null ? "" : ` (${plain(url)})`}`;
}

function describeBody({ body, serving, kernel }: WireStatus): string[] {
  if (kernel.role === "standby")
    return [`serving    ${serving ?? "unknown"}, by the kernel that leads`];
  if (body === null) return ["serving    nothing (the base names no body)"];
  const { window, problem } = body;
  return [
    `serving    ${serving ?? "none yet"}, body ${body.state}${body.tools.length === 0 ? "" : ` with ${body.tools.length} tools`}`,
    ...(window === null
      ? []
      : [
          `window     run ${window.runId}: ${window.verdict} after ${window.exposures} exposures, ${window.errors} errors (${window.reasons.join(", ")})`,
        ]),
    ...(problem === null ? [] : [`serving    ${plain(problem)}`]),
  ];
}

function meaning(reason: BlockReason): string {
  return blockReasonMeanings[reason];
}
