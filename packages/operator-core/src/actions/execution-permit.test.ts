import { expect, it } from "vitest";
import { ExecutionPermit, requirePermit } from "./execution-permit.ts";

it("is valid for its proposal, while its attempt runs", () => {
  const permit = ExecutionPermit.issue(7);
  expect(() => requirePermit(permit, 7)).not.toThrow();
  expect(() => requirePermit(permit, 8)).toThrow("Only the executor");
  permit.end();
  expect(() => requirePermit(permit, 7)).toThrow("Only the executor");
});

it.each([
  ["an object that looks like one", { proposalId: 7 }],
  ["its prototype", Object.create(ExecutionPermit.prototype) as object],
  ["nothing", null],
  ["a word", "permit"],
])("is not %s", (_, forged) => {
  expect(() => requirePermit(forged as ExecutionPermit, 7)).toThrow("Only the executor");
});
