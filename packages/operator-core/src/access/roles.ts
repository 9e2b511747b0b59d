import { z } from "zod";

/** What a token is for. One token has one role: who operates does not approve, who approves does not operate. */
export const Role = z.enum(["read", "propose", "operate", "approve"]);
export type Role = z.infer<typeof Role>;

/** Everything that can be asked of Jarvis, by what it takes. A closed set. */
export const operations = ["read", "propose", "switch", "approve", "reject"] as const;
export type Operation = (typeof operations)[number];

/*
 * `switch` is every switch and whatever else an operator decides alone: pause, resume, mode, kill,
 * accept, rollback, cancel. Saying no to an action is also the operator's, since a refusal lets
 * nothing happen; saying yes is not, so that whoever runs Jarvis cannot release what it blocked.
 */
const allowed: Record<Operation, readonly Role[]> = {
  read: ["read", "propose", "operate", "approve"],
  propose: ["propose", "operate"],
  switch: ["operate"],
  approve: ["approve"],
  reject: ["approve", "operate"],
};

export function mayDo(role: Role, operation: Operation): boolean {
  return allowed[operation].includes(role);
}

/** The roles that may, for the sentence that refuses. */
export function rolesFor(operation: Operation): readonly Role[] {
  return allowed[operation];
}
