import { describe, expect, it } from "vitest";
import { EffectClass } from "./action-definition.ts";
import { ActionPolicy, decide } from "./action-policy.ts";
import type { PolicySubject } from "./action-policy.ts";

describe("without a rule", () => {
  it.each(EffectClass.options)("%s", (effect) => {
    const { decision } = decide(anAction({ effect }), aPolicy([]));
    expect(decision).toBe(effect === "read" ? "allow" : "deny");
  });
});

describe("the rules", () => {
  const allow = { action: "*", decision: "allow", reason: "everything" };
  const askWrites = { action: "write*", decision: "ask", reason: "writing is asked about" };
  const denyNetwork = {
    action: "*",
    effects: ["network"],
    decision: "deny",
    reason: "no network",
  };

  it.each([
    ["allow what they name", [allow], {}, "allow", "everything"],
    ["ask by a prefix", [allow, askWrites], {}, "ask", "writing is asked about"],
    ["are strictest first, whatever their order", [askWrites, allow], {}, "ask", "writing is"],
    ["deny an effect", [allow, denyNetwork], { effect: "network" }, "deny", "no network"],
    ["say nothing about other effects", [denyNetwork], { effect: "process" }, "deny", "no rule"],
    ["do not match a longer name", [{ ...allow, action: "write" }], {}, "deny", "no rule"],
    ["ask where the definition asks", [allow], { needsApproval: true }, "ask", "always needs"],
    [
      "cannot allow what is denied by asking",
      [allow, denyNetwork],
      { effect: "network", needsApproval: true },
      "deny",
      "no network",
    ],
  ] as const)("%s", (_, rules, action, decision, reason) => {
    const answer = decide(anAction(action), aPolicy(rules));
    expect(answer.decision).toBe(decision);
    expect(answer.reason).toContain(reason);
  });

  it.each([
    ["src/main.ts", "allow"],
    [".github/workflows/ci.yml", "ask"],
    [".GitHub/workflows/ci.yml", "ask"],
    ["src/../.github/x", "ask"],
    [".github", "ask"],
    [".githubx", "allow"],
    [".", "ask"],
    ["../outside", "deny"],
    ["src/../../outside", "deny"],
    ["/etc/passwd", "deny"],
    ["..\\outside", "deny"],
    ["nul\0byte", "deny"],
  ])("judge the path %j: %s", (path, decision) => {
    const policy = aPolicy([allow], [".github/"]);
    expect(decide(anAction({ paths: ["README.md", path] }), policy).decision).toBe(decision);
  });

  it("are refused where they say something that is not known", () => {
    const rule = { action: "*", decision: "alow", reason: "a typing error" };
    expect(ActionPolicy.safeParse({ rules: [rule] }).success).toBe(false);
    expect(ActionPolicy.safeParse({ rules: [{ ...allow, effect: "read" }] }).success).toBe(false);
  });
});

function anAction(overrides: Partial<PolicySubject> = {}): PolicySubject {
  return {
    name: "write-note",
    effect: "write-workspace",
    risk: "low",
    needsApproval: false,
    paths: [],
    ...overrides,
  };
}

function aPolicy(rules: readonly unknown[], protectedPaths: readonly string[] = []): ActionPolicy {
  return ActionPolicy.parse({ rules, protectedPaths });
}
