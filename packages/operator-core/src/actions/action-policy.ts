import { posix } from "node:path";
import { z } from "zod";
import { EffectClass } from "./action-definition.ts";
import type { RiskLevel } from "./action-definition.ts";

const Decision = z.enum(["allow", "ask", "deny"]);
type Decision = z.infer<typeof Decision>;

/** A rule speaks about an action when its name and its effect both match. */
const PolicyRule = z.strictObject({
  /** A name, or a prefix followed by `*`. */
  action: z.string().min(1),
  effects: z.array(EffectClass).min(1).optional(),
  decision: Decision,
  reason: z.string().min(1),
});

export const ActionPolicy = z.strictObject({
  rules: z.array(PolicyRule),
  /** Files and folders that no action changes without a person. */
  protectedPaths: z.array(z.string().min(1)).default([]),
});
export type ActionPolicy = z.infer<typeof ActionPolicy>;

/** What a policy judges. `paths` is what the action would change, relative to the workspace. */
export type PolicySubject = {
  readonly name: string;
  readonly effect: EffectClass;
  readonly risk: RiskLevel;
  readonly needsApproval: boolean;
  readonly paths: readonly string[];
};

export type PolicyDecision = { readonly decision: Decision; readonly reason: string };

const strictness: Record<Decision, number> = { allow: 0, ask: 1, deny: 2 };

/**
 * Whether an action may run, must be asked about, or may not. The strictest matching rule decides,
 * whatever the order of the rules; without one everything but reading is denied. A definition and a
 * protected path can make an answer stricter, never laxer.
 */
export function decide(action: PolicySubject, policy: ActionPolicy): PolicyDecision {
  const answers: PolicyDecision[] = policy.rules.filter((rule) => matches(rule, action));
  if (answers.length === 0) answers.push(withoutRule(action));
  if (action.needsApproval) {
    answers.push({ decision: "ask", reason: `${action.name} always needs an approval` });
  }
  answers.push(...action.paths.map((path) => judgePath(path, policy.protectedPaths)));
  const { decision, reason } = answers.reduce((first, next) =>
    strictness[next.decision] > strictness[first.decision] ? next : first,
  );
  return { decision, reason };
}

function matches(rule: z.infer<typeof PolicyRule>, action: PolicySubject): boolean {
  const named = rule.action.endsWith("*")
    ? action.name.startsWith(rule.action.slice(0, -1))
    : action.name === rule.action;
  return named && (rule.effects?.includes(action.effect) ?? true);
}

function withoutRule({ name, effect }: PolicySubject): PolicyDecision {
  return effect === "read"
    ? { decision: "allow", reason: "reading needs no rule" }
    : { decision: "deny", reason: `no rule allows ${name} (${effect})` };
}

// Text only: where links lead is for whoever opens the file to find out.
function judgePath(path: string, protectedPaths: readonly string[]): PolicyDecision {
  const normal = normalise(path);
  if (path.includes("\0") || posix.isAbsolute(normal) || normal.split("/")[0] === "..") {
    return { decision: "deny", reason: `${path} is outside of the workspace` };
  }
  const guard = protectedPaths.find((candidate) => {
    // Some file systems do not tell case apart; a guard that does could be walked around there.
    const guarded = normalise(candidate).toLowerCase();
    const lower = normal.toLowerCase();
    return (
      lower === "." ||
      lower === guarded ||
      lower.startsWith(`${guarded}/`) ||
      guarded.startsWith(`${lower}/`)
    );
  });
  return guard === undefined
    ? { decision: "allow", reason: `${path} is not protected` }
    : { decision: "ask", reason: `${path} is protected (${guard})` };
}

function normalise(path: string): string {
  return posix.normalize(path.replaceAll("\\", "/")).replace(/\/+$/, "");
}
