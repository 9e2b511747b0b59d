import { actorByLogin } from "../actor.ts";
import type { ProtectionDocument, StatusDocument, StatusState } from "../state/documents.ts";

/** The newest status of every context, oldest context first; GitHub reads only these. */
export function latestStatuses(statuses: readonly StatusDocument[]): StatusDocument[] {
  const latest = new Map<string, StatusDocument>();
  for (const status of statuses) latest.set(status.context, status);
  return [...latest.values()].sort((a, b) => a.id - b.id);
}

/** One failure or error fails; otherwise everything must be success; nothing at all is pending. */
export function combinedState(
  latest: readonly StatusDocument[],
): Extract<StatusState, "failure" | "pending" | "success"> {
  if (latest.some(({ state }) => state === "failure" || state === "error")) return "failure";
  if (latest.length === 0 || latest.some(({ state }) => state === "pending")) return "pending";
  return "success";
}

/**
 * Why a commit may not land on a branch with these rules, in GitHub's words, or undefined when
 * every required status is success. Missing, pending and unknown are all reasons.
 */
export function unmetStatuses(
  rules: Pick<ProtectionDocument, "requiredStatuses"> | undefined,
  statuses: readonly StatusDocument[],
): string | undefined {
  const required = rules?.requiredStatuses?.contexts ?? [];
  const apps = rules?.requiredStatuses?.apps ?? {};
  // A status of somebody else is as good as none where the check is bound to an app.
  const counting = statuses.filter(
    ({ context, creator }) => apps[context] === undefined || isApp(creator, apps[context]),
  );
  const latest = new Map(latestStatuses(counting).map((status) => [status.context, status.state]));
  const unmet = required.filter((context) => latest.get(context) !== "success");
  if (unmet.length === 0) return undefined;
  const reasons = unmet.map((context) => `"${context}" is ${describe(latest.get(context))}`);
  return unmet.length === 1
    ? `Required status check ${reasons[0]}.`
    : `${unmet.length} of ${required.length} required status checks have not succeeded: ${reasons.join(", ")}.`;
}

function isApp(login: string, app: number): boolean {
  const actor = actorByLogin(login);
  return actor.type === "Bot" && actor.id === app;
}

function describe(state: StatusState | undefined): string {
  if (state === undefined || state === "success") return "expected";
  return state === "pending" ? "pending" : "failing";
}
