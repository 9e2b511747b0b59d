import { expect, it } from "vitest";
import { mayDo, operations, Role, rolesFor } from "./roles.ts";
import type { Operation } from "./roles.ts";

const table: Record<Role, Record<Operation, boolean>> = {
  read: { read: true, propose: false, switch: false, approve: false, reject: false },
  propose: { read: true, propose: true, switch: false, approve: false, reject: false },
  operate: { read: true, propose: true, switch: true, approve: false, reject: true },
  approve: { read: true, propose: false, switch: false, approve: true, reject: true },
};

const cases = Role.options.flatMap((role) =>
  operations.map((operation) => ({ role, operation, allowed: table[role][operation] })),
);

it.each(cases)("$role may $operation: $allowed", ({ role, operation, allowed }) => {
  expect(mayDo(role, operation)).toBe(allowed);
  expect(rolesFor(operation).includes(role)).toBe(allowed);
});

it("gives nobody both the switches and the approvals", () => {
  const both = Role.options.filter((role) => mayDo(role, "switch") && mayDo(role, "approve"));
  expect(both).toEqual([]);
});
