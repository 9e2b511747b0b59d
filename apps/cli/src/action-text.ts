import type { z } from "zod";
import { plain, plainLines } from "./plain-text.ts";
import * as wire from "./wire.ts";

/** How actions are shown to people. Names, reasons and parameters may come from candidates. */

export function describeActions(actions: readonly wire.WireAction[]): string {
  if (actions.length === 0) return "There are no such actions.";
  return actions
    .map(
      ({ id, state, actionName, createdAt, requestedBy, reason }) =>
        `${String(id).padStart(6)}  ${state.padEnd(9)} ${createdAt.slice(0, 19)}  ${plain(actionName)} for ${plain(requestedBy)}: ${plain(reason)}`,
    )
    .join("\n");
}

/** Everything that an approval is about. */
export function describeAction(action: wire.WireAction): string {
  return [
    `action     ${action.id} ${plain(action.actionName)} (${action.effect}, risk ${action.risk})`,
    `state      ${action.state}${action.endReason === null ? "" : `: ${plain(action.endReason)}`}`,
    `asked by   ${plain(action.requestedBy)}: ${plain(action.reason)}`,
    ...(action.approvedBy === null ? [] : [`approved   by ${plain(action.approvedBy)}`]),
    ...describeParameters(action),
    `digest     ${action.digest}`,
  ].join("\n");
}

function describeParameters({ actionName, parameters }: wire.WireAction): string[] {
  const release = wire.releaseParameters.safeParse(parameters);
  if (actionName !== "release_change" || !release.success) {
    return [`parameters ${plainLines(JSON.stringify(parameters, null, 2), " ".repeat(11))}`];
  }
  const { runId, treeSha, baseSha, reasons, findings, addedPackages } = release.data;
  return [
    `run        ${plain(runId)}`,
    `tree       ${treeSha} on base ${baseSha}`,
    `releases   ${reasons.join(", ")}`,
    ...findings.map(({ reason, path, why }) => `  ${reason}: ${plain(path)} (${plain(why)})`),
    ...(addedPackages.length === 0 ? [] : [`packages   ${addedPackages.length} added or changed`]),
    ...addedPackages.map(
      ({ name, version, integrity }) => `  ${plain(name)} ${plain(version)} ${plain(integrity)}`,
    ),
  ];
}

/** The change itself; text of a candidate. */
export function describePatch({ patch, bytes, isCut }: z.infer<typeof wire.runPatch>): string {
  if (patch === null) return "patch      is not kept any more; look at the pull request";
  const rest = isCut
    ? `\npatch      is cut: it has ${bytes} bytes; the whole is in the pull request`
    : "";
  return `patch      as it was handed in\n  ${plainLines(patch.trimEnd(), "  ")}${rest}`;
}

export function describeAudit(events: readonly wire.WireAuditEvent[]): string {
  return events
    .map(
      ({ id, createdAt, eventType, proposalId, actor, eventData }) =>
        `${String(id).padStart(6)}  ${createdAt}  ${eventType.padEnd(11)} ${String(proposalId ?? "-").padStart(6)}  ${actor.padEnd(6)} ${plain(JSON.stringify(eventData ?? {}))}`,
    )
    .join("\n");
}
